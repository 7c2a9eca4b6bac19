#pragma once
// Numbers of bytes as people write them: a whole number and a unit of 1,024.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::config {
class object;
}

namespace shoal::cache {

/// "512b", "64kb", "16mb", "2gb". Nothing for anything else, or for what overflows.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

/// The same in the largest unit that is exact: 65536 is "64kb".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

struct size_range {
    std::uint64_t least = 0;
    std::uint64_t most = UINT64_MAX;
};

/// A field of a configuration; what is wrong is noted there and reads as `fallback`.
[[nodiscard]] std::uint64_t read_size(config::object& from, std::string_view name, size_range range,
                                      std::uint64_t fallback);

}  // namespace shoal::cache
