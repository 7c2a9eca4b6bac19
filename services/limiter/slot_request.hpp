#pragma once
// What a request for a slot says. Pure.

#include <cstdint>
#include <string_view>

#include "services/limiter/parameters.hpp"

namespace shoal::limiter {

constexpr std::int64_t usual_ttl_ms = 30'000;

/// {"ttl_ms":30000}; without it 30 s, or `most_ms` if that is less. Above `most_ms`: 422.
[[nodiscard]] parsed<std::int64_t> read_ttl_ms(std::string_view query, std::string_view body, std::int64_t most_ms);

/// 32 lower-case hexadecimal digits.
[[nodiscard]] bool is_slot_id(std::string_view text) noexcept;

}  // namespace shoal::limiter
