#pragma once
// Which rules are about a table, and where in its rows their columns stand now.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "services/relay/rules/rules.hpp"

namespace shoal::relay {

struct bound_tag {
    const tag_template* made_by = nullptr;
    /// Where its columns() stand in a row.
    std::vector<std::size_t> columns;
};

struct bound_rule {
    /// Its place among all rules.
    std::size_t place = 0;
    const rule* of = nullptr;
    std::vector<bound_tag> tags{};
    std::optional<std::size_t> filter_column{};
    /// It names a column that the table lacks: it can only purge the table's tag.
    bool broken = false;
};

class tables {
public:
    /// The rules live longer.
    explicit tables(const rules& all) : rules_{all} {}

    /// For each relation message, before the changes that follow it: also where its definition changed in mid-stream.
    /// Says which rule, table and column don't fit, a line each. A rule that does not fit is not forgotten: each
    /// change of the table purges the table's tag until a later relation fits again.
    [[nodiscard]] std::vector<std::string> bind(const relation& now);

    /// The rules of a relation; none for one that was never bound. Until the next bind().
    [[nodiscard]] std::span<const bound_rule> of(std::uint32_t relation_id) const noexcept;

    /// How many rules there are in all.
    [[nodiscard]] std::size_t size() const noexcept { return rules_.size(); }
    [[nodiscard]] const rule& at(std::size_t place) const { return rules_[place]; }

private:
    const rules& rules_;
    boost::unordered_flat_map<std::uint32_t, std::vector<bound_rule>> bound_;
};

}  // namespace shoal::relay
