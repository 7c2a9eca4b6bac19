#pragma once
// Entries of the stream in which a fill is shared: a letter, and what it is about.

#include <optional>
#include <string>
#include <string_view>

#include "common/core/clock.hpp"
#include "services/cache/store/second_level_fill.hpp"

namespace shoal::cache {

[[nodiscard]] std::string head_entry(const shared_head& head);
[[nodiscard]] std::string piece_entry(std::string_view bytes);
[[nodiscard]] std::string end_entry(std::string_view trailers);
/// The leader failed.
[[nodiscard]] std::string lost_entry();

/// Nothing for what is none.
[[nodiscard]] std::optional<fill_follower::news> read_entry(std::string entry, wall_clock::time_point wall_now,
                                                            boot_time now);

}  // namespace shoal::cache
