#pragma once
// The rules in force: read from the configuration, looked up by name.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/limiter/rule.hpp"

namespace shoal::config {
class object;
}

namespace shoal::limiter {

/// In the order in which they were written; at most 1,000.
using rules = std::vector<rule>;

[[nodiscard]] const rule* find_rule(const rules& in, std::string_view name) noexcept;

/// Reads `services.limiter`; what is wrong is noted there. Without "rules" it has the two that every fleet
/// starts with: demo (10 per minute) and bulk (100,000 per second).
[[nodiscard]] rules read_rules(config::object& section, std::int64_t version);

[[nodiscard]] nlohmann::json to_json(const rule& from);

}  // namespace shoal::limiter
