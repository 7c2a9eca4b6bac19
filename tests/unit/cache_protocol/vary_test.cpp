#include "services/cache/protocol/vary.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal::cache;
using namespace shoal::cache::protocol;

namespace {

using field_list = std::vector<field_view>;

std::optional<std::string> names(std::string_view text)
{
    return vary_names(field_list{{"Vary", text}});
}

bool match(std::string_view vary, const field_list& a, const field_list& b)
{
    return variant_key(a, vary) == variant_key(b, vary);
}

bool same_value(std::string_view name, std::string_view a, std::string_view b)
{
    return match(name, {{name, a}}, {{name, b}});
}

}  // namespace

TEST_CASE("vary: names are sorted, lower case, each once", "[cache_protocol]")
{
    CHECK(vary_names({}) == "");
    CHECK(names("") == "");
    CHECK(names("Foo, bar,FOO , Accept-Encoding") == "accept-encoding,bar,foo");
    CHECK(vary_names(field_list{{"Vary", "b"}, {"vary", "A"}}) == "a,b");
}

TEST_CASE("vary: an asterisk anywhere matches nothing, nor does what is no name", "[cache_protocol]")
{
    for (const auto* const nothing : {"*", "*, *", ", *", "*, Foo", "Foo, *", "Foo Bar", "\"Foo\"", "foo:bar"}) {
        CAPTURE(nothing);
        CHECK_FALSE(names(nothing));
    }
    CHECK_FALSE(vary_names(field_list{{"Vary", ""}, {"Vary", "*"}}));
    std::string many = "n0";
    for (std::size_t n = 1; n < most_vary_names; ++n) many += ",n" + std::to_string(n);
    CHECK(names(many));
    CHECK_FALSE(names(many + ",one-more"));
}

TEST_CASE("vary: a request matches when all named fields are equal (RFC 9111, 4.1)", "[cache_protocol]")
{
    const field_list first{{"Foo", "1"}, {"Bar", "abc"}, {"Baz", "789"}};
    CHECK(match("bar,baz,foo", first, {{"baz", "789"}, {"FOO", "1"}, {"Other", "x"}, {"Bar", "abc"}}));
    CHECK_FALSE(match("bar,baz,foo", first, {{"Foo", "1"}, {"Baz", "789"}, {"Bar", "abcde"}}));
    CHECK_FALSE(match("bar,baz,foo", first, {{"Foo", "1"}, {"Baz", "789"}}));
    CHECK(match("bar,baz,foo", {{"Foo", "1"}, {"Baz", "2"}}, {{"Foo", "1"}, {"Baz", "2"}}));
    CHECK(match("foo", first, {{"Foo", "1"}}));
    CHECK(match("", first, {}));
    CHECK_FALSE(same_value("foo", "1", "2"));
    CHECK_FALSE(same_value("foo", "a", "A"));
}

TEST_CASE("vary: absent and empty differ", "[cache_protocol]")
{
    CHECK_FALSE(match("foo", {}, {{"Foo", ""}}));
    CHECK_FALSE(match("bar,foo", {{"Foo", ""}}, {{"Bar", ""}}));
}

TEST_CASE("vary: lines and spaces don't make variants", "[cache_protocol]")
{
    CHECK(same_value("foo", "1,2", " 1, 2 "));
    CHECK(match("foo", {{"Foo", "1, 2"}}, {{"Foo", "1"}, {"foo", "2"}}));
    CHECK_FALSE(same_value("foo", "1,2", "2,1"));
    CHECK_FALSE(same_value("foo", "\"1, 2\"", "\"1,2\""));
    CHECK_FALSE(same_value("foo", "12", "1 2"));
    CHECK_FALSE(same_value("foo", "12", "1,2"));
}

TEST_CASE("vary: what is accepted, by weight and without case", "[cache_protocol]")
{
    CHECK(same_value("accept-language", "en, de", "eN,   De"));
    CHECK(same_value("accept-language", "en;q=0.5, de", "de;q=1.0,en;Q=0.500"));
    CHECK(same_value("accept-encoding", "gzip;q=1,br", "gzip , br"));
    CHECK(same_value("accept-encoding", "gzip;q=0.8;q=0.1", "gzip;q=0.8"));
    CHECK_FALSE(same_value("accept-language", "en, de", "de, en"));
    CHECK_FALSE(same_value("accept-language", "en;q=0.5", "en;q=0.4"));
    CHECK_FALSE(same_value("accept-encoding", "gzip;q=0", "gzip"));
    CHECK_FALSE(same_value("accept-encoding", "gzip", "gzip, br"));
}

TEST_CASE("vary: what the site folds takes the place of what was sent", "[cache_protocol]")
{
    const field_list folded{{"Accept-Encoding", "gzip"}};
    const auto key = [&](const field_list& request) { return variant_key(request, "accept-encoding,foo", folded); };
    CHECK(key({{"Accept-Encoding", "br, gzip, deflate"}}) == key({{"Accept-Encoding", "gzip"}}));
    CHECK(key({}) == key({{"Accept-Encoding", "x"}}));
    CHECK_FALSE(key({}) == key({{"Foo", "x"}}));
    CHECK(variant_key({}, "foo", folded) == variant_key({}, "foo"));
}

TEST_CASE("vary: keys are equal exactly when every list is, whatever the values", "[cache_protocol]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto below = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>{0, end - 1}(random); };
    const std::vector<std::string> values{"", "a", "b", "a,b", "a, b", "a ,b", ",", "\"a,b\"", "a;q=1", "b,a"};
    const auto members = [](const field_list& fields, std::string_view name) {
        std::vector<std::string> found(has(fields, name) ? 1 : 0);
        list_members all{fields, name};
        while (const auto one = all.next()) found.emplace_back(*one);
        return found;
    };
    const auto request = [&] {
        field_list fields;
        for (const auto* const name : {"X", "Y", "X"}) {
            if (below(2) == 0) fields.push_back({name, values[below(values.size())]});
        }
        return fields;
    };
    for (int n = 0; n < 50'000; ++n) {
        const auto a = request();
        const auto b = request();
        const bool equal = members(a, "x") == members(b, "x") && members(a, "y") == members(b, "y");
        REQUIRE(match("x,y", a, b) == equal);
    }
}
