#pragma once
// From the changes of a transaction to the entries of views that they concern. Views use the rules of purges: each
// table that changes a view is a rule, and what would be a tag is a mark, "PLACE:VALUES" for some entries or "PLACE"
// for all of a view.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "services/relay/rules/rules.hpp"
#include "services/relay/views/definition.hpp"

namespace shoal::relay {

/// Where a rule of a view comes from.
struct view_place {
    std::size_t view = 0;
    std::size_t source = 0;
};

struct view_rules {
    rules all;
    /// One for each rule.
    std::vector<view_place> places;
};

[[nodiscard]] view_rules rules_of(const view_definitions& views);

/// What is to be recomputed of one view.
struct dirty_view {
    using texts = boost::unordered_flat_set<std::string>;

    /// All of it; nothing else counts then.
    bool everything = false;
    /// KEYs.
    texts keys;
    /// KEYs and a member after a comma, encoded as a column of the key is.
    texts members;
    /// For each source that selects keys: the values for its query, as a KEY has them.
    std::vector<texts> selected;

    [[nodiscard]] bool empty() const noexcept;
};

/// The marks of some transactions, together.
class dirty_views {
public:
    /// The definitions and rules live longer.
    dirty_views(const view_definitions& of, const view_rules& by);

    /// A mark that the collector made by these rules.
    void add(std::string_view mark);
    [[nodiscard]] dirty_view& at(std::size_t view) { return views_[view]; }
    [[nodiscard]] std::size_t size() const noexcept { return views_.size(); }

private:
    const view_definitions& definitions_;
    const view_rules& rules_;
    std::vector<dirty_view> views_;
};

}  // namespace shoal::relay
