#pragma once
// A stored response as bytes, for Redis: versioned, of known length, with a sum over all of it. Whatever else it is
// given, reading it yields nothing.

#include <cstddef>
#include <string>
#include <string_view>

#include "common/core/clock.hpp"
#include "services/cache/memory/stored.hpp"

namespace shoal::cache {

/// Where a record has what Redis' scripts compare without reading it: two bytes that no other value begins with, the
/// stamp with its most significant byte first, the fill.
struct record_layout {
    static constexpr std::string_view begins_with{"S\x01", 2};
    static constexpr std::size_t since = 8;
    static constexpr std::size_t fill = 24;
};

[[nodiscard]] std::string encode(const stored& what);
/// The 16 bytes of it in a record.
[[nodiscard]] std::string encode(const fill_id& what);
/// Null for what is no record of this version, cut, or changed. A large body shares `record`. A wall clock that is
/// behind the one of whoever wrote it makes no response younger than it was then.
[[nodiscard]] stored_ptr decode(std::string record, wall_clock::time_point wall_now, boot_time now);

}  // namespace shoal::cache
