#pragma once
// What one process has in memory, as it tells the next one of its place: a line each, what is worth most first, with
// the queue, the uses, and the name under which the second level has it, as "m3 o:{...}".

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/eviction/s3_fifo.hpp"
#include "services/cache/memory/stored.hpp"

namespace shoal::cache {

using eviction::s3_fifo;

inline constexpr std::size_t most_listed = 100'000;
/// More than the longest lines of so many take.
inline constexpr std::size_t most_listing_bytes = 8 * 1024 * 1024;

struct listed {
    s3_fifo::rank rank;
    std::string_view name;
};

void append_line(std::string& to, const stored& what, s3_fifo::rank rank);
/// With views into `text`. Nothing for what is longer than a listing may be, or no listing as a whole: another version
/// of this program may write others.
[[nodiscard]] std::optional<std::vector<listed>> read_listing(std::string_view text);

}  // namespace shoal::cache
