#pragma once
// Views as the operator wrote them: a query, how its rows become entries of Redis, and which changes of which tables
// they depend on. Pure values.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/views/layout.hpp"
#include "services/relay/rules/filter.hpp"
#include "services/relay/rules/sql_name.hpp"

namespace shoal::config {
class object;
}

namespace shoal::relay {

/// A table, and which entries a change of one of its rows concerns.
struct change_source {
    enum class scope : std::uint8_t {
        /// Those whose key is in `columns`; of a view with members the last of them may be one.
        changed,
        /// Those that `keys` selects for the values of `columns`.
        selected,
        /// All of the view.
        everything,
    };

    table_name table;
    scope of = scope::changed;
    std::vector<std::string> columns{};
    bool has_member = false;
    /// A query with $1 and so on for the values of `columns`; it returns the columns of the view's key.
    std::string keys{};
    std::optional<filter> when{};
    bool ignores_old_values = false;
    /// A transaction in which more rows count makes all of the view anew.
    std::size_t most_rows = 10'000;

    friend bool operator==(const change_source&, const change_source&) = default;
};

struct view_definition {
    std::string name;
    views::kind is = views::kind::document;
    /// 1 to 8 columns of the query.
    std::vector<std::string> key;
    /// Of the kinds set and sorted_set.
    std::string member;
    /// Of the kind sorted_set.
    std::string score;
    /// Of all rows of all entries.
    std::string query;
    std::vector<change_source> changed_by;

    [[nodiscard]] bool has_members() const noexcept { return !member.empty(); }
    friend bool operator==(const view_definition&, const view_definition&) = default;
};

/// At most views::most_views.
using view_definitions = std::vector<view_definition>;

/// Reads "views" of services.relay; what is wrong is noted in `section`, whose other fields are left to others.
[[nodiscard]] view_definitions read_views(config::object& section);

/// Everything in effect, defaults too, in the configuration's own words.
[[nodiscard]] nlohmann::json to_json(const view_definition& from);

/// Tells definitions apart: entries that were made by another one are void.
[[nodiscard]] std::string view_digest(const view_definition& of);

}  // namespace shoal::relay
