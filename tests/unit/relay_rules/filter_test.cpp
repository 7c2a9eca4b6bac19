#include "services/relay/rules/filter.hpp"

#include <catch2/catch.hpp>

using namespace shoal::relay;

namespace {

value text(std::string_view of)
{
    return {value::kind::text, of};
}

}  // namespace

TEST_CASE("filters: a value that is not known counts as inside", "[relay]")
{
    for (const auto by : {filter::test::in, filter::test::not_in, filter::test::null, filter::test::not_null})
        REQUIRE(filter{"c", by, {"a"}}.has(std::nullopt));
}

TEST_CASE("filters: texts are compared byte by byte", "[relay]")
{
    const filter in{"c", filter::test::in, {"a", "t"}};
    REQUIRE(in.has(text("a")));
    REQUIRE(in.has(text("t")));
    REQUIRE_FALSE(in.has(text("A")));
    REQUIRE_FALSE(in.has(text("true")));
    const filter not_in{"c", filter::test::not_in, {"a", "t"}};
    REQUIRE_FALSE(not_in.has(text("a")));
    REQUIRE(not_in.has(text("")));
}

TEST_CASE("filters: NULL is none of the texts", "[relay]")
{
    REQUIRE_FALSE(filter{"c", filter::test::in, {"", "NULL"}}.has(value{}));
    REQUIRE(filter{"c", filter::test::not_in, {"", "NULL"}}.has(value{}));
    REQUIRE(filter{"c", filter::test::null}.has(value{}));
    REQUIRE_FALSE(filter{"c", filter::test::null}.has(text("")));
    REQUIRE_FALSE(filter{"c", filter::test::not_null}.has(value{}));
    REQUIRE(filter{"c", filter::test::not_null}.has(text("")));
}
