#pragma once
// How views of a database stand in Redis: what the relay writes and what services read. All keys are in the slot of
// the purge log, so that one script can write entries and purge their tags.
//
//   directory         hash     name -> directory_entry
//   generations       hash     name -> the last generation that was given out; outlives the view
//   entry             document: string (JSON); hash: hash; set and sorted_set: sorted set, a set's with scores 0
//   index             set      the KEY of each entry of a generation

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/coherence/stamp.hpp"

namespace shoal::views {

inline constexpr std::string_view directory_key = "{cache}:views";
inline constexpr std::string_view generations_key = "{cache}:views:generations";

inline constexpr std::size_t longest_name = 64;
inline constexpr std::size_t most_views = 100;
/// Bytes of a KEY.
inline constexpr std::size_t longest_key = 1000;
/// Bytes of an entry of the kind document, and of a hash. What is larger is absent, and counted by the relay.
inline constexpr std::size_t largest_document = std::size_t{1} << 20;

enum class kind : std::uint8_t { document, hash, set, sorted_set };

enum class state : std::uint8_t {
    /// What is there is right, but much may be missing: a key that is absent says nothing.
    filling,
    /// A key that is absent has no rows.
    ready,
    /// Its query was refused by the database: nothing of it may be served.
    failed,
};

struct directory_entry {
    kind is = kind::document;
    /// Never used again for a view of this name.
    std::uint64_t generation = 0;
    state at = state::filling;
    /// Of the purge log: under another one the view counts for nothing until its relay says so again.
    std::uint64_t epoch = 0;

    friend bool operator==(const directory_entry&, const directory_entry&) = default;
};

[[nodiscard]] std::string_view name_of(kind which) noexcept;
[[nodiscard]] std::string_view name_of(state which) noexcept;
[[nodiscard]] std::optional<kind> kind_of(std::string_view name) noexcept;

/// "KIND GENERATION STATE EPOCH"
[[nodiscard]] std::string to_text(const directory_entry& of);
[[nodiscard]] std::optional<directory_entry> parse_directory_entry(std::string_view text) noexcept;

/// 1 to longest_name of a-z, 0-9, '_' and '-'.
[[nodiscard]] bool is_name(std::string_view text) noexcept;

/// "{cache}:view:NAME:GENERATION:KEY"
[[nodiscard]] std::string entry_key(std::string_view view, std::uint64_t generation, std::string_view key);
/// "{cache}:view:NAME:GENERATION"
[[nodiscard]] std::string index_key(std::string_view view, std::uint64_t generation);

/// Purged hard by each write of the entry.
[[nodiscard]] coherence::tag entry_tag(std::string_view view, std::string_view key) noexcept;
/// Purged hard by each change of the view's generation or state. Each entry that is stored elsewhere needs both.
[[nodiscard]] coherence::tag view_tag(std::string_view view) noexcept;

}  // namespace shoal::views
