#include "services/views/query/cursor.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <random>
#include <string>

using namespace shoal::views;

TEST_CASE("cursor: comes back as it was, whatever the member has", "[views]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (const double score : {0.0, -0.0, 1.1, -2.5e300, std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::denorm_min()}) {
        cursor one{score, {}};
        for (std::size_t length = 0; length < 20; ++length) {
            const auto text = to_text(one);
            CHECK(parse_cursor(text) == one);
            CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
                  std::string::npos);
            one.member.push_back(static_cast<char>(random()));
        }
    }
}

TEST_CASE("cursor: what was never one is refused", "[views]")
{
    const auto valid = to_text({1.5, "abc"});
    for (std::size_t length = 0; length < 11; ++length) CHECK_FALSE(parse_cursor(valid.substr(0, length)));
    CHECK_FALSE(parse_cursor(valid + "="));
    CHECK_FALSE(parse_cursor(valid + "AA"));
    CHECK_FALSE(parse_cursor("AAAA AAAAAAA"));
    CHECK_FALSE(parse_cursor("AAAA%2BAAAAA"));
    // Bits that stand for nothing, and no number.
    CHECK(parse_cursor("AAAAAAAAAAA"));
    CHECK_FALSE(parse_cursor("AAAAAAAAAAB"));
    CHECK_FALSE(parse_cursor("f_gAAAAAAAA"));
}
