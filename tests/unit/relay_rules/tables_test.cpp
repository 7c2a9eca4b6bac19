#include "services/relay/rules/tables.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

TEST_CASE("tables: a rule is bound to the table of its name, and to where the columns stand", "[relay]")
{
    const auto all = read(R"({"rules":[{"table":"other","tags":["a"]},
        {"table":"product","tags":["{b}:{a}","x"],"when":{"column":"c","null":false}}]})")
                         .made;
    tables by{all};
    REQUIRE(by.bind(make_relation({"*a", "c", "b"})).empty());
    REQUIRE(by.of(1).size() == 1);
    const auto& one = by.of(1).front();
    REQUIRE(one.place == 1);
    REQUIRE(one.tags[0].columns == std::vector<std::size_t>{2, 0});
    REQUIRE(one.tags[1].columns.empty());
    REQUIRE(one.filter_column == 1);
    REQUIRE_FALSE(one.broken);
}

TEST_CASE("tables: names are compared as the catalog has them", "[relay]")
{
    const auto all =
        read(R"({"rules":[{"table":"\"Product\"","tags":["a"]},{"table":"shop.product","tags":["a"]}]})").made;
    tables by{all};
    REQUIRE(by.bind(make_relation({"a"})).empty());
    REQUIRE(by.of(1).empty());
    REQUIRE(by.bind(make_relation({"a"}, 'd', "Product")).empty());
    REQUIRE(by.of(1).size() == 1);
}

TEST_CASE("tables: no rule is about a relation that was never seen", "[relay]")
{
    const auto all = read(R"({"rules":[{"table":"product","tags":["a"]}]})").made;
    REQUIRE(tables{all}.of(1).empty());
}

TEST_CASE("tables: a column that is not there is told with its rule and table", "[relay]")
{
    const auto all = read(R"({"rules":[{"table":"product","tags":["{a}"]},
        {"table":"product","tags":["{\"B\"}:{a}:{x}","{x}"],"when":{"column":"y","null":true}}]})")
                         .made;
    tables by{all};
    REQUIRE(by.bind(make_relation({"a", "b"})) ==
            texts{"rules[1]: table public.product has no column \"B\", x, y; it has a, b"});
    REQUIRE_FALSE(by.of(1)[0].broken);
    REQUIRE(by.of(1)[1].broken);
}

TEST_CASE("tables: a table that was altered is bound anew", "[relay]")
{
    const auto all = read(R"({"rules":[{"table":"product","tags":["{a}"]}]})").made;
    tables by{all};
    REQUIRE(by.bind(make_relation({"a"})).empty());
    REQUIRE(by.bind(make_relation({"b"})).size() == 1);
    REQUIRE(by.of(1).front().broken);
    REQUIRE(by.bind(make_relation({"b", "a"})).empty());
    REQUIRE(by.of(1).front().tags.front().columns.front() == 1);
    REQUIRE(by.bind(make_relation({"b", "a"}, 'd', "renamed")).empty());
    REQUIRE(by.of(1).empty());
}
