#pragma once
// The names of the purge log's keys in Redis, all in one slot, and how large the log gets.

#include <cstddef>
#include <string_view>

namespace shoal::coherence {

inline constexpr std::string_view head_key = "{cache}:purge:head";
inline constexpr std::string_view log_key = "{cache}:purge:log";
inline constexpr std::string_view table_key = "{cache}:purge:table";
inline constexpr std::string_view members_key = "{cache}:purge:members";
/// A hash: what the relay of a database says of itself.
inline constexpr std::string_view relay_key = "{cache}:purge:relay";

/// With a name that a transaction emitted behind it: where that ends, as PostgreSQL writes positions. Noted with what
/// the relay writes once the transaction can be seen; expires.
inline constexpr std::string_view token_key_prefix = "{cache}:token:";

/// A worker that fell further behind loads the table, which is quicker than so many entries.
inline constexpr std::string_view most_entries_kept = "10000";

/// Of one entry, which one script writes: 1,000 packed buckets, with which Redis is busy for some milliseconds. What
/// purges more is several entries. With the number of entries it bounds the log's size.
inline constexpr std::size_t most_entry_bytes = 4 * 1000;

}  // namespace shoal::coherence
