#pragma once
// Entries of views made of the rows of their queries, in the form in which scripts of Redis take them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "services/relay/views/definition.hpp"
#include "services/relay/views/sql.hpp"

namespace shoal::relay {

inline constexpr std::size_t most_members = 1'000'000;
/// Of members and scores.
inline constexpr std::size_t most_member_bytes = std::size_t{32} << 20U;

/// As a database returned it: nothing is NULL.
using sql_row = std::span<const std::optional<std::string_view>>;

struct view_entry {
    /// KEY.
    std::string key;
    /// A document: its JSON. Otherwise packed pairs: of a field and its value, or of a score and a member.
    std::string body{};
    /// Pairs.
    std::size_t pairs = 0;
    /// There is one; otherwise nothing has this key, or `problem` says why nothing may.
    bool exists = false;
    std::string problem{};
};

/// Each text after its length in four bytes, the highest first.
void append_packed(std::string& to, std::string_view text);
[[nodiscard]] std::vector<std::string_view> unpacked(std::string_view packed);
/// The first pairs of `packed`, of about `most` bytes and one at least, taken off it.
[[nodiscard]] std::string_view take_pairs(std::string_view& packed, std::size_t most);

/// Takes the rows that entries_sql() asked for, in their order.
class entry_builder {
public:
    /// `wanted`: KEYs; rows of others are left out. The definition and the shape live longer.
    entry_builder(const view_definition& of, const view_shape& shape, std::vector<std::string> wanted);

    /// The entry before, when the row is of another.
    [[nodiscard]] std::optional<view_entry> add(sql_row from);
    /// After the last row: the last entry, if any, and those that have no rows.
    [[nodiscard]] std::vector<view_entry> finish();

private:
    void take(sql_row from);
    [[nodiscard]] std::optional<view_entry> close();

    const view_definition& of_;
    const view_shape& shape_;
    boost::unordered_flat_set<std::string> wanted_;
    std::optional<view_entry> open_;
    std::size_t rows_ = 0;
};

/// What became of some members of an entry.
struct member_changes {
    std::string key;
    /// Packed pairs of a score and a member; without a score it is one no longer.
    std::string pairs;
};

/// Takes the rows that members_sql() asked for.
class member_builder {
public:
    /// `wanted`: KEYs with a member each.
    member_builder(const view_definition& of, std::vector<std::string> wanted);

    void add(sql_row from);
    [[nodiscard]] std::vector<member_changes> finish();

private:
    const view_definition& of_;
    boost::unordered_flat_set<std::string> wanted_;
    std::vector<std::pair<std::string, std::string>> found_;
};

/// KEY of the first columns of a row; nothing with a NULL among them.
[[nodiscard]] std::optional<std::string> key_of(sql_row from, std::size_t columns);

}  // namespace shoal::relay
