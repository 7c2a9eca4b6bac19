#pragma once
// Sizes as people write them: a whole number and a unit of 1024.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::config {

/// Bytes of "512b", "16kb", "64mb", "2gb". Nothing for anything else, or for what overflows.
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text) noexcept;

/// The same in the largest unit that is exact: 67108864 is "64mb".
[[nodiscard]] std::string format_size(std::int64_t bytes);

}  // namespace shoal::config
