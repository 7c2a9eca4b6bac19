#include "services/cache/site/query.hpp"

#include <catch2/catch.hpp>

using namespace shoal::cache;

namespace {

std::vector<glob> globs(std::initializer_list<const char*> patterns)
{
    std::vector<glob> made;
    for (const auto* const one : patterns) made.emplace_back(one);
    return made;
}

std::string after(std::string_view query, const query_rule& by)
{
    std::string made{"/p"};
    append_query(made, query, by);
    return made;
}

}  // namespace

TEST_CASE("query: without a rule every pair stays where it is", "[cache]")
{
    const query_rule none;
    REQUIRE(after("b=2&a=1", none) == "/p?b=2&a=1");
    REQUIRE(after("a=1&&b", none) == "/p?a=1&&b");
    REQUIRE(after("", none) == "/p?");
    REQUIRE(after("a=%62", none) == "/p?a=b");
}

TEST_CASE("query: sorted by name, pairs of one name in their order", "[cache]")
{
    const query_rule sorted{.sort = true};
    REQUIRE(after("b=2&a=1", sorted) == "/p?a=1&b=2");
    REQUIRE(after("a=2&b=1&a=1", sorted) == "/p?a=2&a=1&b=1");
    REQUIRE(after("a=1&a=2&b=1", sorted) == "/p?a=1&a=2&b=1");
    REQUIRE(after("a&a=&a=1", sorted) == "/p?a&a=&a=1");
    REQUIRE(after("aa=1&a=2", sorted) == "/p?a=2&aa=1");
    REQUIRE(after("a-=1&a=2", sorted) == "/p?a=2&a-=1");
    REQUIRE(after("%62=2&a=1", sorted) == "/p?a=1&b=2");
    REQUIRE(after("&b&&a&", sorted) == "/p?a&b");
    REQUIRE(after("", sorted) == "/p");
    REQUIRE(after("&&", sorted) == "/p");
}

TEST_CASE("query: a value is nothing that a rule looks into", "[cache]")
{
    const query_rule dropping{.drop = globs({"utm_*"})};
    REQUIRE(after("q=utm_source=1&utm_source=2", dropping) == "/p?q=utm_source=1");
    REQUIRE(after("q=1;utm_a=2", dropping) == "/p?q=1;utm_a=2");
    REQUIRE(after("q=1%26utm_a=2", dropping) == "/p?q=1%26utm_a=2");
}

TEST_CASE("query: named pairs are dropped, however they are encoded", "[cache]")
{
    const query_rule dropping{.drop = globs({"utm_*", "fbclid"})};
    REQUIRE(after("a=1&utm_source=x&b=2&fbclid=y", dropping) == "/p?a=1&b=2");
    REQUIRE(after("utm%5Fsource=x&a=1", dropping) == "/p?a=1");
    REQUIRE(after("%75tm_=x&a=1", dropping) == "/p?a=1");
    REQUIRE(after("utm_source=x", dropping) == "/p");
    REQUIRE(after("utm_source", dropping) == "/p");
    REQUIRE(after("UTM_source=x", dropping) == "/p?UTM_source=x");
    REQUIRE(after("fbclid2=x", dropping) == "/p?fbclid2=x");
}

TEST_CASE("query: where some are kept, the others are not, and what is dropped is dropped first", "[cache]")
{
    REQUIRE(after("page=2&x=1&q=a", {.keep = globs({"q", "page"})}) == "/p?page=2&q=a");
    REQUIRE(after("page=2&x=1&q=a", {.sort = true, .keep = globs({"q", "p*"})}) == "/p?page=2&q=a");
    REQUIRE(after("x=1", {.keep = globs({"q"})}) == "/p");
    REQUIRE(after("pa=1&pb=2", {.drop = globs({"pa"}), .keep = globs({"p*"})}) == "/p?pb=2");
}

TEST_CASE("query: a pair that is badly encoded leaves the others alone", "[cache]")
{
    const query_rule dropping{.drop = globs({"utm_*"})};
    REQUIRE(after("%61=%62&c=%&utm_a=%", dropping) == "/p?a=b&c=%");
}

TEST_CASE("query: hundreds of pairs are sorted as few are", "[cache]")
{
    std::string many;
    std::string sorted;
    for (int i = 999; i >= 100; --i) many += (many.empty() ? "n" : "&n") + std::to_string(i) + "=x";
    for (int i = 100; i <= 999; ++i) sorted += (sorted.empty() ? "n" : "&n") + std::to_string(i) + "=x";
    REQUIRE(after(many, {.sort = true}) == "/p?" + sorted);
}
