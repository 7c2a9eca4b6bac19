// The text of a view's key.

#include "common/views/key_text.hpp"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal::views;
using values = std::vector<std::string>;

TEST_CASE("view keys: values have commas between them, and what would separate is encoded", "[views]")
{
    CHECK(key_text(values{"42"}) == "42");
    CHECK(key_text(values{"a b", "50%,", "\x7f\n", "\xc3\xa4"}) == "a%20b,50%25%2C,%7F%0A,\xc3\xa4");
    CHECK(key_text(values{"", ""}) == ",");
    CHECK(key_text(values{""}).empty());
}

TEST_CASE("view keys: only what is made of values is read back", "[views]")
{
    CHECK(parse_key_text("a%20b,50%25%2C", 2) == values{"a b", "50%,"});
    CHECK(parse_key_text("", 1) == values{""});
    CHECK(parse_key_text(",", 2) == values{"", ""});
    CHECK_FALSE(parse_key_text("1,2", 1));
    CHECK_FALSE(parse_key_text("1", 2));
    // One key has one text.
    for (const auto* text : {"%61", "a b", "%2c", "50%", "%0"}) CHECK_FALSE(parse_key_text(text, 1));
}

TEST_CASE("view keys: any values come back from their text", "[views]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    std::uniform_int_distribution<int> byte{0, 255};
    for (int i = 0; i < 1000; ++i) {
        values some(1 + random() % 4);
        for (auto& each : some)
            for (auto left = random() % 8; left > 0; --left) each.push_back(static_cast<char>(byte(random)));
        CHECK(parse_key_text(key_text(some), some.size()) == some);
    }
}
