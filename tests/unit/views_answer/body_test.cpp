#include "services/views/answer/body.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <string>
#include <vector>

using namespace shoal::views;

TEST_CASE("body: a document is as it was written", "[views]")
{
    CHECK(to_json(document{R"({"a" : 1.0})"}, kind::document) == R"({"a" : 1.0})");
    CHECK(to_json(entry{}, kind::document) == "null");
}

TEST_CASE("body: a hash is an object of texts", "[views]")
{
    CHECK(to_json(fields{{{"a", "1"}, {"b\"", "\n"}}}, kind::hash) == R"({"a":"1","b\"":"\n"})");
    CHECK(to_json(fields{{{"bad", "\xFF"}}}, kind::hash) == "{\"bad\":\"\xEF\xBF\xBD\"}");
    CHECK(to_json(fields{}, kind::hash) == "{}");
}

TEST_CASE("body: a set has members, a sorted set their scores as well", "[views]")
{
    CHECK(to_json(members{{{"a", 0}, {"b", 0}}, false}, kind::set) == R"({"items":["a","b"]})");
    CHECK(to_json(members{{{"a", 1.1}, {"b", -2}}, false}, kind::sorted_set) ==
          R"({"items":[{"member":"a","score":1.1},{"member":"b","score":-2}]})");
    CHECK(to_json(members{}, kind::set) == R"({"items":[]})");
    const double infinite = std::numeric_limits<double>::infinity();
    CHECK(to_json(members{{{"a", infinite}, {"b", -infinite}}, false}, kind::sorted_set) ==
          R"({"items":[{"member":"a","score":"inf"},{"member":"b","score":"-inf"}]})");
}

TEST_CASE("body: where there is more, next is the place of the last member", "[views]")
{
    CHECK(to_json(members{{{"a", 0}}, true}, kind::set) ==
          R"({"items":["a"],"next":")" + to_text(cursor{0, "a"}) + "\"}");
}

TEST_CASE("body: several entries stand under the texts of their keys", "[views]")
{
    const std::vector<place> of{{"v", "a"}, {"v", "b%2C"}};
    const std::vector<entry> found{document{"{}"}, {}};
    CHECK(to_json(of, found, kind::document) == R"({"entries":{"a":{},"b%2C":null}})");
}

TEST_CASE("body: the directory says what counts", "[views]")
{
    const std::vector<listed_view> all{
        {.name = "a", .is = kind::set, .at = state::ready, .generation = 3, .entries = 7, .counts = true},
        {.name = "b", .is = kind::hash, .at = state::ready, .generation = 1, .entries = 0, .counts = false}};
    CHECK(to_json(all) == R"({"views":[{"name":"a","kind":"set","state":"ready","generation":3,"entries":7},)"
                          R"({"name":"b","kind":"hash","state":"unattended","generation":1,"entries":0}]})");
}

TEST_CASE("etag: strong, and another for other bytes", "[views]")
{
    const auto one = etag_of("a");
    CHECK(one.size() == 34);
    CHECK(one.front() == '"');
    CHECK(one != etag_of("b"));
    CHECK(one == etag_of("a"));
}

TEST_CASE("etag: If-None-Match names it", "[views]")
{
    CHECK(names_etag(R"("x")", R"("x")"));
    CHECK(names_etag(R"("y", "x")", R"("x")"));
    CHECK(names_etag("\"y\",\t W/\"x\" ", R"("x")"));
    CHECK(names_etag("*", R"("x")"));
    for (const auto* const other : {"", "\"y\"", "x", "\"x", ",,", "\"xx\"", " "})
        CHECK_FALSE(names_etag(other, R"("x")"));
}
