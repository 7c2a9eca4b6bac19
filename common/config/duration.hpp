#pragma once
// Durations as people write them: a whole number and a unit.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::config {

/// "250us", "50ms", "60s", "5m", "1h", "7d". Nothing for anything else, or for what overflows.
[[nodiscard]] std::optional<std::chrono::microseconds> parse_duration(std::string_view text) noexcept;

/// The same in the largest unit that is exact: 60000000 us is "1m".
[[nodiscard]] std::string format_duration(std::chrono::microseconds length);

}  // namespace shoal::config
