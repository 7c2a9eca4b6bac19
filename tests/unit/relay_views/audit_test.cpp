// Whether Redis has of an entry what the database has.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "services/relay/views/audit.hpp"

using namespace shoal;
using namespace shoal::relay;

namespace {

view_entry made_of(const std::vector<std::string>& texts)
{
    view_entry made{.key = "1", .pairs = texts.size() / 2, .exists = !texts.empty()};
    for (const auto& one : texts) append_packed(made.body, one);
    return made;
}

using pairs = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("view audit: a document is the same byte for byte", "[relay]")
{
    const view_entry made{.key = "1", .body = R"({"a":1})", .exists = true};
    REQUIRE(agrees(views::kind::document, made, {.exists = true, .document = R"({"a":1})"}));
    REQUIRE_FALSE(agrees(views::kind::document, made, {.exists = true, .document = R"({"a":2})"}));
    REQUIRE_FALSE(agrees(views::kind::document, made, {}));
    REQUIRE_FALSE(agrees(views::kind::document, view_entry{.key = "1"}, {.exists = true, .document = "{}"}));
    REQUIRE(agrees(views::kind::document, view_entry{.key = "1"}, {}));
}

TEST_CASE("view audit: fields of a hash have no order", "[relay]")
{
    const auto made = made_of({"id", "1", "name", "one"});
    REQUIRE(agrees(views::kind::hash, made, {.exists = true, .pairs = pairs{{"name", "one"}, {"id", "1"}}}));
    REQUIRE_FALSE(agrees(views::kind::hash, made, {.exists = true, .pairs = pairs{{"name", "1"}, {"id", "one"}}}));
    REQUIRE_FALSE(agrees(views::kind::hash, made, {.exists = true, .pairs = pairs{{"id", "1"}}}));
}

TEST_CASE("view audit: scores are numbers, however they are written", "[relay]")
{
    const auto made = made_of({"1.50", "a", "-inf", "b", "0.1", "c"});
    const pairs stored{{"b", "-inf"}, {"c", "0.10000000000000001"}, {"a", "1.5"}};
    REQUIRE(agrees(views::kind::sorted_set, made, {.exists = true, .pairs = stored}));
    auto other = stored;
    other[2].second = "1.5000001";
    REQUIRE_FALSE(agrees(views::kind::sorted_set, made, {.exists = true, .pairs = other}));
    other = stored;
    other[2].first = "d";
    REQUIRE_FALSE(agrees(views::kind::sorted_set, made, {.exists = true, .pairs = other}));
}

TEST_CASE("view audit: of a very large set the number of members is compared", "[relay]")
{
    const auto made = made_of({"0", "a", "0", "b"});
    REQUIRE(agrees(views::kind::set, made, {.exists = true, .members = 2}));
    REQUIRE_FALSE(agrees(views::kind::set, made, {.exists = true, .members = 3}));
}

TEST_CASE("view audit: what the database has alike has one print", "[relay]")
{
    using enum views::kind;
    REQUIRE(print_of(set, made_of({"0", "a", "0", "b"})) == print_of(set, made_of({"0", "b", "0", "a"})));
    REQUIRE(print_of(set, made_of({"0", "a"})) != print_of(set, made_of({"0", "b"})));
    REQUIRE(print_of(sorted_set, made_of({"1", "a", "2", "b"})) != print_of(sorted_set, made_of({"2", "a", "1", "b"})));
    REQUIRE(print_of(set, view_entry{.key = "1"}) != print_of(set, made_of({"0", "a"})));
    REQUIRE(print_of(document, {.key = "1", .body = "1", .exists = true}) !=
            print_of(document, {.key = "1", .body = "2", .exists = true}));
}
