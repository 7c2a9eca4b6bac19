#pragma once
// JSON bodies, read strictly: a member that stands twice means two things to two readers, so it is refused.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "services/limiter/parameters.hpp"

namespace shoal::limiter {

/// A JSON object, {} for an empty body. `form` shows the client what was expected.
[[nodiscard]] parsed<nlohmann::json> read_object(std::string_view body, std::string_view form);

/// A whole number; what passes 64 bits is clamped.
[[nodiscard]] std::optional<std::int64_t> whole_number(const nlohmann::json& value);

}  // namespace shoal::limiter
