#pragma once
// Rules from their JSON, and tables and rows in few words.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/relay/rules/collector.hpp"
#include "services/relay/rules/rules.hpp"

namespace shoal::relay::test {

struct outcome {
    rules made;
    /// Empty when there are none.
    std::string problems;
};

/// Of a section of services.relay.
[[nodiscard]] outcome read(const std::string& section);

/// One rule of a configuration without problems.
[[nodiscard]] rule one_rule(const std::string& json);

/// Columns by name; a '*' before it marks one of the replica identity.
[[nodiscard]] relation make_relation(const std::vector<std::string>& columns, char identity = 'd',
                                     std::string table = "product");

/// "NULL" is NULL and "TOAST" is a value that was not sent.
[[nodiscard]] row make_row(const std::vector<std::string_view>& texts);

[[nodiscard]] inline insert inserted(const std::vector<std::string_view>& now)
{
    return {1, make_row(now)};
}
[[nodiscard]] update updated(old_row kind, const std::vector<std::string_view>& before,
                             const std::vector<std::string_view>& now);
[[nodiscard]] inline remove removed(old_row kind, const std::vector<std::string_view>& before)
{
    return {1, kind, make_row(before)};
}

/// Rules and one table that they are bound to.
class bench {
public:
    bench(const std::string& rules_json, relation with);

    template <class Change>
    void add(const Change& one)
    {
        collector_->add(table_, one);
    }
    void truncate() { collector_->truncate(table_); }
    [[nodiscard]] collected take() { return collector_->take(); }
    void clear() { collector_->clear(); }
    /// The table is another from here on.
    std::vector<std::string> alter(relation to);

private:
    rules rules_;
    relation table_;
    tables tables_{rules_};
    std::optional<collector> collector_;
};

using texts = std::vector<std::string>;

}  // namespace shoal::relay::test
