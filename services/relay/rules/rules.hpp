#pragma once
// Rules as the operator wrote them: which tags of the cache a change of a table touches. Pure values.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/relay/rules/filter.hpp"
#include "services/relay/rules/sql_name.hpp"
#include "services/relay/rules/tag_template.hpp"

namespace shoal::config {
class object;
}

namespace shoal::relay {

struct operations {
    bool insert = true;
    bool update = true;
    bool remove = true;
    bool truncate = true;

    friend bool operator==(const operations&, const operations&) = default;
};

struct rule {
    table_name table;
    /// 1 to 32.
    std::vector<tag_template> tags{};
    operations on{};
    std::optional<filter> when{};
    /// Of everything that was made of the table: for TRUNCATE, and where single tags are too many or not known.
    std::string table_tag;
    bool soft = false;
    /// The operator's word that the columns of `tags` never change: an old value that wasn't sent is the new one.
    bool ignores_old_values = false;
    /// Where it is written, for people; empty for rules[N].
    std::string written_at{};
    /// A tag that is too long is none, instead of the table's: of a view, in which no key is that long.
    bool drops_long_tags = false;
    /// A transaction in which more rows count for this rule purges only the table's tag.
    std::size_t most_rows = 1000;

    friend bool operator==(const rule&, const rule&) = default;
};

/// At most 1,000, in the order in which they were written.
using rules = std::vector<rule>;

/// Reads "rules" of services.relay; what is wrong is noted in `section`, whose other fields are left to others.
[[nodiscard]] rules read_rules(config::object& section);

/// Where the rule at this place is written, for people.
[[nodiscard]] std::string name_of(const rule& of, std::size_t place);

/// table:SCHEMA.TABLE, encoded like the values of columns.
[[nodiscard]] std::string default_table_tag(const table_name& table);

/// Everything in effect, defaults too, in the configuration's own words.
[[nodiscard]] nlohmann::json to_json(const rule& from);

}  // namespace shoal::relay
