#include "common/core/text.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace shoal;
using namespace std::string_literals;

TEST_CASE("percent_decode: decodes every escape and nothing else", "[core]")
{
    CHECK(percent_decode("") == "");
    CHECK(percent_decode("plain-._~") == "plain-._~");
    CHECK(percent_decode("a%2Fb%2fc") == "a/b/c");
    CHECK(percent_decode("%00%ff") == "\0\xff"s);
    CHECK(percent_decode("a+b") == "a+b");
    CHECK(percent_decode("%2525") == "%25");  // once only
}

TEST_CASE("percent_decode: refuses a percent sign without two hexadecimal digits", "[core]")
{
    for (const char* bad : {"%", "%4", "a%", "%g0", "%0g", "%%41", "% 41", "%+1"}) {
        INFO(bad);
        CHECK_FALSE(percent_decode(bad));
    }
}

TEST_CASE("is_utf8: takes the first and last code point of every length", "[core]")
{
    for (const char* good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                             "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "gr\xc3\xbc\xc3\x9f"}) {
        INFO(good);
        CHECK(is_utf8(good));
    }
    CHECK(is_utf8("\0"s));
}

TEST_CASE("is_utf8: refuses overlong forms, surrogates, what is too high and what is cut off", "[core]")
{
    const char* bad[] = {"\x80",
                         "\xbf",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x9f\xbf",
                         "\xf0\x8f\xbf\xbf",
                         "\xed\xa0\x80",
                         "\xed\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf8\x88\x80\x80\x80",
                         "\xfe",
                         "\xff",
                         "\xc3",
                         "\xe2\x82",
                         "\xf0\x9f\x98",
                         "\xc3\x28",
                         "\xe2\x28\xa1",
                         "\xe2\x82\x28",
                         "a\xc3",
                         "\xc3\xbc\xbc"};
    for (const char* text : bad) {
        INFO(text);
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("text: an item has nothing that separates items", "[core]")
{
    std::string made;
    append_item(made, "a b,50%\x7f\n\xc3\xa4");
    CHECK(made == "a%20b%2C50%25%7F%0A\xc3\xa4");
    CHECK(percent_decode(made) == "a b,50%\x7f\n\xc3\xa4");
}
