// Positions in PostgreSQL's log, as text.

#include "common/coherence/lsn.hpp"

#include <random>

#include <catch2/catch.hpp>

using namespace shoal::coherence;

TEST_CASE("lsn: is written as two hexadecimal numbers without leading zeros", "[coherence]")
{
    CHECK(format_lsn(0x16'B374'D848) == "16/B374D848");
    CHECK(format_lsn(0) == "0/0");
    CHECK(format_lsn(0x153'A3F8) == "0/153A3F8");
    CHECK(format_lsn(0x1'0000'0000) == "1/0");
    CHECK(format_lsn(~lsn{0}) == "FFFFFFFF/FFFFFFFF");
}

TEST_CASE("lsn: is read in either case, with leading zeros up to eight digits", "[coherence]")
{
    CHECK(parse_lsn("16/B374D848") == lsn{0x16'B374'D848});
    CHECK(parse_lsn("16/b374d848") == lsn{0x16'B374'D848});
    CHECK(parse_lsn("00000016/00000001") == lsn{0x16'0000'0001});
    CHECK(parse_lsn("0/0") == lsn{0});
    CHECK(parse_lsn("FFFFFFFF/FFFFFFFF") == ~lsn{0});
}

TEST_CASE("lsn: a text that is none is not read", "[coherence]")
{
    for (const char* text : {"", "/", "16", "16/", "/16", "16/B374D848/", "16/B374D848 ", " 16/B374D848", "-1/0",
                             "+1/0", "0x1/0", "1/0x0", "16/B374D84G", "000000016/0", "0/100000000", "1//2", "16\\0"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_lsn(text));
    }
}

TEST_CASE("lsn: what is written is read as what it was", "[coherence]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int round = 0; round < 1000; ++round) {
        const lsn position = random() >> random() % 64;
        REQUIRE(parse_lsn(format_lsn(position)) == position);
    }
}
