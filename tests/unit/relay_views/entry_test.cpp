// What rows become.

#include "services/relay/views/entry.hpp"

#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::relay;

namespace {

using cells = std::vector<std::optional<std::string_view>>;
using texts = std::vector<std::string_view>;

view_definition of_kind(views::kind is)
{
    view_definition made;
    made.is = is;
    made.key = {"id"};
    if (is == views::kind::set || is == views::kind::sorted_set) made.member = "member";
    return made;
}

std::vector<view_entry> entries(const view_definition& of, const view_shape& shape, std::vector<std::string> wanted,
                                const std::vector<cells>& rows)
{
    entry_builder builder{of, shape, std::move(wanted)};
    std::vector<view_entry> made;
    for (const auto& one : rows)
        if (auto entry = builder.add(one)) made.push_back(*std::move(entry));
    for (auto& one : builder.finish()) made.push_back(std::move(one));
    return made;
}

}  // namespace

TEST_CASE("view entries: a document is its JSON, and a key without a row is none", "[relay]")
{
    const auto of = of_kind(views::kind::document);
    const auto made = entries(of, {}, {"a%20b", "2"}, {{"a b", R"({"x":1})"}, {std::nullopt, "{}"}, {"other", "{}"}});
    REQUIRE(made.size() == 3);
    CHECK(made[0].key == "a%20b");
    CHECK(made[0].exists);
    CHECK(made[0].body == R"({"x":1})");
    // It was asked for under another text that is equal in SQL.
    CHECK(made[1].key == "other");
    CHECK(made[1].exists);
    CHECK(made[2].key == "2");
    CHECK_FALSE(made[2].exists);
}

TEST_CASE("view entries: a document of several rows, or one that is too large, is absent and said", "[relay]")
{
    const auto of = of_kind(views::kind::document);
    const std::string large(views::largest_document + 1, 'x');
    const auto made = entries(of, {}, {"1", "2"}, {{"1", "a"}, {"1", "b"}, {"2", large}});
    REQUIRE(made.size() == 2);
    CHECK_FALSE(made[0].exists);
    CHECK(made[0].problem.find("several") != std::string::npos);
    CHECK_FALSE(made[1].exists);
    CHECK(made[1].problem.find("bytes") != std::string::npos);
}

TEST_CASE("view entries: a set whose members are too long together is absent and said", "[relay]")
{
    const std::string large(most_member_bytes / 2, 'x');
    const auto made = entries(of_kind(views::kind::set), {}, {"1", "2"},
                              {{"1", large}, {"1", 'b' + large}, {"1", "c"}, {"2", large}});
    REQUIRE(made.size() == 2);
    CHECK_FALSE(made[0].exists);
    CHECK(made[0].problem.find("bytes") != std::string::npos);
    CHECK(made[0].body.empty());
    CHECK(made[1].exists);
}

TEST_CASE("view entries: a hash has no field for NULL, a set no member that is NULL", "[relay]")
{
    const auto hash = entries(of_kind(views::kind::hash), {{"integer"}, {"id", "name", "note"}}, {"1"},
                              {{"1", "1", "x", std::nullopt}});
    REQUIRE(hash.size() == 1);
    CHECK(unpacked(hash[0].body) == texts{"id", "1", "name", "x"});
    const auto set = entries(of_kind(views::kind::set), {}, {"1"}, {{"1", "a"}, {"1", std::nullopt}, {"1", ""}});
    CHECK(unpacked(set[0].body) == texts{"0", "a", "0", ""});
    const auto nothing = entries(of_kind(views::kind::set), {}, {"1"}, {{"1", std::nullopt}});
    CHECK_FALSE(nothing[0].exists);
}

TEST_CASE("view entries: scores are as Redis takes them, and what is none is no member", "[relay]")
{
    const auto made =
        entries(of_kind(views::kind::sorted_set), {}, {"1"},
                {{"1", "a", "1.5"}, {"1", "b", "NaN"}, {"1", "c", "-Infinity"}, {"1", "d", std::nullopt}});
    CHECK(unpacked(made[0].body) == texts{"1.5", "a", "-inf", "c"});
}

TEST_CASE("view entries: parts of a packed body are whole pairs", "[relay]")
{
    std::string body;
    for (const auto* one : {"1", "first", "2", "second", "3", "third"}) append_packed(body, one);
    std::string_view rest = body;
    std::string all;
    int parts = 0;
    while (!rest.empty()) {
        const auto part = take_pairs(rest, 5);
        CHECK(unpacked(part).size() == 2);
        all += part;
        ++parts;
    }
    CHECK(parts == 3);
    CHECK(all == body);
    std::string_view whole = body;
    CHECK(take_pairs(whole, 1000) == body);
    CHECK(whole.empty());
}

TEST_CASE("view entries: members that have no row any more are removed, those of one key together", "[relay]")
{
    const auto of = of_kind(views::kind::sorted_set);
    member_builder builder{of, {"1,a", "1,b%2C", "2,c"}};
    builder.add(cells{"1", "b,", "7"});
    builder.add(cells{"1", "unwanted", "8"});
    const auto made = builder.finish();
    REQUIRE(made.size() == 2);
    CHECK(made[0].key == "1");
    CHECK(unpacked(made[0].pairs) == texts{"", "a", "7", "b,"});
    CHECK(made[1].key == "2");
    CHECK(unpacked(made[1].pairs) == texts{"", "c"});
}
