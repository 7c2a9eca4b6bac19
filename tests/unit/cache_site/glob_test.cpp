#include "services/cache/site/glob.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/cache_site/samples.hpp"

using shoal::cache::glob;

namespace {

/// Plain recursion, to compare with.
bool matches_slowly(std::string_view pattern, std::string_view text)
{
    if (pattern.empty()) return text.empty();
    if (pattern.front() == '*')
        return matches_slowly(pattern.substr(1), text) || (!text.empty() && matches_slowly(pattern, text.substr(1)));
    if (text.empty() || (pattern.front() != '?' && pattern.front() != text.front())) return false;
    return matches_slowly(pattern.substr(1), text.substr(1));
}

}  // namespace

TEST_CASE("glob: '*' is any text, '?' any one byte", "[cache]")
{
    const auto [pattern, text, matches] = GENERATE(table<const char*, const char*, bool>({
        {"*", "", true},
        {"*", "/a/b", true},
        {"", "", true},
        {"", "a", false},
        {"/a", "/a", true},
        {"/a", "/A", false},
        {"/a", "/ab", false},
        {"/static/*", "/static/", true},
        {"/static/*", "/static/css/a.css", true},
        {"/static/*", "/static", false},
        {"/static/*", "/x/static/a", false},
        {"*.css", "/static/a.css", true},
        {"*.css", "/a.css.html", false},
        {"/?/x", "/a/x", true},
        {"/?/x", "//x", false},
        {"/a*b*c", "/a-b-b-c", true},
        {"/a*b*c", "/a-c-b", false},
        {"/a**", "/a", true},
        {"utm_*", "utm_source", true},
        {"utm_*", "utm", false},
    }));
    CAPTURE(pattern, text);
    REQUIRE(glob{pattern}.matches(text) == matches);
}

TEST_CASE("glob: says what plain recursion says", "[cache]")
{
    const auto first = shoal::cache::test::seed();
    CAPTURE(first);
    std::mt19937_64 random{first};
    for (int i = 0; i < 20'000; ++i) {
        const auto pattern = shoal::cache::test::random_text(random, "ab*?", 8);
        const auto text = shoal::cache::test::random_text(random, "ab", 10);
        CAPTURE(pattern, text);
        REQUIRE(glob{pattern}.matches(text) == matches_slowly(pattern, text));
    }
}

TEST_CASE("glob: many stars on a long text take no more than the product of both", "[cache]")
{
    const glob hard{"/a*a*a*a*a*a*a*b"};
    REQUIRE_FALSE(hard.matches("/" + std::string(100'000, 'a')));
}
