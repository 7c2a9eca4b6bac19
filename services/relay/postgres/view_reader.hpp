#pragma once
// Entries of one view as the database has them now: asked for, and nothing written. What the session has begun decides
// of which snapshot they are.

#include <optional>
#include <string>
#include <vector>

#include "services/relay/postgres/view_session.hpp"
#include "services/relay/views/entry.hpp"

namespace shoal::relay {

/// Of one question of entries().
inline constexpr std::size_t most_keys_at_once = 500;
/// Of one change of a table whose source selects keys.
inline constexpr std::size_t most_selected = 10'000;

class view_reader {
public:
    /// These live longer; one question at a time.
    view_reader(view_session& by, const view_definition& of, const view_shape& shape)
        : session_{by}, of_{of}, shape_{shape}
    {
    }

    template <class T>
    using reply = boost::asio::awaitable<result<T>>;

    /// Each of the KEYs once, in any order, also those that nothing has; next() until it is none. Memory is taken for
    /// one entry at a time.
    [[nodiscard]] reply<void> begin(std::vector<std::string> keys);
    [[nodiscard]] reply<std::optional<view_entry>> next();

    /// `wanted`: KEYs with a member each.
    [[nodiscard]] reply<std::vector<member_changes>> members(std::vector<std::string> wanted);
    /// KEYs that the source selects for the values of its columns; none where they are more than most_selected.
    [[nodiscard]] reply<std::optional<std::vector<std::string>>> selected(const change_source& by, std::string values);

private:
    view_session& session_;
    const view_definition& of_;
    const view_shape& shape_;
    std::optional<entry_builder> builder_;
    std::vector<view_entry> last_;
};

}  // namespace shoal::relay
