#include "services/cache/site/path.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;

namespace {

struct appended {
    std::string text;
    bool doubtful = false;
};

appended path(std::string_view of)
{
    appended made;
    made.doubtful = append_path(made.text, of);
    return made;
}

std::string encoded(std::string_view of)
{
    std::string made;
    append_encoded(made, of);
    return made;
}

}  // namespace

TEST_CASE("path: only what RFC 3986 says is equivalent becomes equal", "[cache]")
{
    const auto [sent, kept] = GENERATE(table<const char*, const char*>({
        {"/", "/"},
        {"/list", "/list"},
        {"/List", "/List"},
        {"/%6cist", "/list"},
        {"/%6C%69%73%74", "/list"},
        {"/%7euser/%2D%5f", "/~user/-_"},
        {"/caf%c3%a9", "/caf%C3%A9"},
        {"/a%20b", "/a%20b"},
        {"/a+b", "/a+b"},
        {"/a%2bb", "/a%2Bb"},
        {"/a%26b&c", "/a%26b&c"},
        {"/a:b@c!$'()*,=", "/a:b@c!$'()*,="},
        {"/a.b/.well-known/x..y/...", "/a.b/.well-known/x..y/..."},
        {"/a/", "/a/"},
        {"*", "*"},
    }));
    CAPTURE(sent);
    const auto made = path(sent);
    REQUIRE(made.text == kept);
    REQUIRE_FALSE(made.doubtful);
}

TEST_CASE("path: what servers read differently stays as it was sent, and is told", "[cache]")
{
    const std::string sent =
        GENERATE(as<std::string>{},
                 // Dot segments, plain and encoded.
                 "/account/..", "/account/../static/x.css", "/./a", "/a/.", "/..", "/static/%2e%2e/account",
                 "/static/.%2E/account", "/static/%2E./account", "/file%2ecss",
                 // Delimiters of a segment, of a path, of a URL.
                 "/account;x.css", "/account/;x.css", "/account%3bx.css", "/account%3B.css", "/account/..;/admin",
                 "//account", "/static//account", "/account%2f..%2fstatic", "/account%2Fx.css", "/account%5cx.css",
                 "/account\\x.css", "/account%3fx.css", "/account%3F.css", "/account%23x.css", "/account#x",
                 // What ends a text, or a line.
                 "/account%00.css", "/account%0a.css", "/account%0d%0aX:y", "/account%09", "/account%7f", "/a b",
                 // Decoded twice.
                 "/account%252fx.css", "/%252e%252e/a", "/100%25",
                 // Overlong forms of ASCII.
                 "/a%c0%af..", "/a%c1%9c", "/a%e0%80%af", "/a%e0%9f%bf", "/a%f0%80%80%af", "/a%F0%8F%bf%bf",
                 // No encoding at all.
                 "/a%", "/a%2", "/a%zz", "/a%%61", "/%u002e", "/caf\xc3\xa9", std::string("/a\0b", 4));
    CAPTURE(sent);
    const auto made = path(sent);
    REQUIRE(made.text == sent);
    REQUIRE(made.doubtful);
}

TEST_CASE("path: well-formed text beyond ASCII is nothing to doubt", "[cache]")
{
    for (const auto* const sent : {"/%E0%A0%80", "/%F0%90%80%80", "/%F0%9F%98%80", "/%E2%82%AC", "/%DF%BF"}) {
        CAPTURE(sent);
        REQUIRE_FALSE(path(sent).doubtful);
        REQUIRE(path(sent).text == sent);
    }
}

TEST_CASE("query: unreserved characters are decoded, delimiters never", "[cache]")
{
    REQUIRE(encoded("a=%61&%62=c") == "a=a&b=c");
    REQUIRE(encoded("a=%26&b=%3d%2b+%20") == "a=%26&b=%3D%2B+%20");
    REQUIRE(encoded("a=%2e%2E") == "a=..");
    REQUIRE(encoded("u=/a;b?c") == "u=/a;b?c");
}

TEST_CASE("query: with a '%' that encodes nothing it stays as it was sent", "[cache]")
{
    for (const auto* const sent : {"a=%", "a=%6", "a=%%36%31", "a=%61%", "%61=%zz", "a=%2%35"}) {
        CAPTURE(sent);
        REQUIRE(encoded(sent) == sent);
    }
}
