// From changes to what is to be recomputed.

#include "services/relay/views/marks.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "services/relay/rules/collector.hpp"
#include "services/relay/rules/tables.hpp"

using namespace shoal;
using namespace shoal::relay;

namespace {

const relation product{7, "public", "product", 'f', {{"id", 23, -1, true}, {"category", 25, -1, true}}};

value text(std::string_view of)
{
    return {value::kind::text, of};
}

change_source source(change_source::scope of, std::vector<std::string> columns, bool has_member = false)
{
    change_source made;
    made.table = {"public", "product"};
    made.of = of;
    made.columns = std::move(columns);
    made.has_member = has_member;
    made.most_rows = 2;
    return made;
}

/// One view for each source.
view_definitions views_of(std::vector<change_source> sources)
{
    view_definitions made;
    for (auto& one : sources) {
        made.emplace_back();
        made.back().changed_by.push_back(std::move(one));
    }
    return made;
}

using scope = change_source::scope;

struct changes {
    explicit changes(std::vector<change_source> sources)
        : of{views_of(std::move(sources))}, by{rules_of(of)}, known{by.all}, gathered{known}
    {
        (void)known.bind(product);
    }
    dirty_views taken()
    {
        dirty_views made{of, by};
        for (const auto& one : gathered.take().hard) made.add(one);
        return made;
    }

    view_definitions of;
    view_rules by;
    tables known;
    collector gathered;
};

}  // namespace

TEST_CASE("view marks: an update is about the key before and the key after", "[relay]")
{
    changes made{{source(scope::changed, {"category"}), source(scope::changed, {"category", "id"}, true),
                  source(scope::selected, {"id"}), source(scope::everything, {})}};
    made.gathered.add(product, update{7, old_row::full, {text("1"), text("a b")}, {text("1"), text("c,d:")}});
    auto dirty = made.taken();
    CHECK(dirty.at(0).keys == dirty_view::texts{"a%20b", "c%2Cd:"});
    CHECK(dirty.at(1).members == dirty_view::texts{"a%20b,1", "c%2Cd:,1"});
    CHECK(dirty.at(1).keys.empty());
    CHECK(dirty.at(2).selected[0] == dirty_view::texts{"1"});
    CHECK(dirty.at(3).everything);
    CHECK_FALSE(dirty.at(0).everything);
}

TEST_CASE("view marks: TRUNCATE, too many rows and what is not known are about all of the view", "[relay]")
{
    changes made{{source(scope::changed, {"category"})}};
    made.gathered.truncate(product);
    CHECK(made.taken().at(0).everything);
    for (const auto* id : {"1", "2", "3"}) made.gathered.add(product, insert{7, {text(id), text(id)}});
    CHECK(made.taken().at(0).everything);
    made.gathered.add(product, insert{7, {text("1"), {value::kind::unchanged, {}}}});
    CHECK(made.taken().at(0).everything);
}

TEST_CASE("view marks: NULL is no key, and neither is what is too long", "[relay]")
{
    changes made{{source(scope::changed, {"category"})}};
    const std::string large(2000, 'x');
    made.gathered.add(product, insert{7, {text("1"), {}}});
    made.gathered.add(product, insert{7, {text("2"), text(large)}});
    CHECK(made.taken().at(0).empty());
}
