#pragma once
// The names of the purge log's keys in Redis, all in one slot, and how much of it is kept.

#include <string_view>

namespace shoal::coherence {

inline constexpr std::string_view head_key = "{cache}:purge:head";
inline constexpr std::string_view log_key = "{cache}:purge:log";
inline constexpr std::string_view table_key = "{cache}:purge:table";
inline constexpr std::string_view members_key = "{cache}:purge:members";
/// A hash: what the relay of a database says of itself.
inline constexpr std::string_view relay_key = "{cache}:purge:relay";

/// A worker that fell further behind loads the table, which is quicker than so many entries.
inline constexpr std::string_view most_entries_kept = "10000";

}  // namespace shoal::coherence
