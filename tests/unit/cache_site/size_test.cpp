#include "services/cache/site/size.hpp"

#include <catch2/catch.hpp>

using namespace shoal::cache;

TEST_CASE("size: a whole number and a unit of 1,024", "[cache]")
{
    REQUIRE(parse_size("0b") == 0);
    REQUIRE(parse_size("512b") == 512);
    REQUIRE(parse_size("1kb") == 1024);
    REQUIRE(parse_size("64mb") == 67'108'864);
    REQUIRE(parse_size("2gb") == 2'147'483'648);
    for (const auto* const text : {"", "1", "mb", "1 mb", "1MB", "-1b", "1.5mb", "1tb", "99999999999999999999b",
                                   "18446744073709551615gb", "0x10b"})
        REQUIRE_FALSE(parse_size(text).has_value());
}

TEST_CASE("size: is shown in the largest unit that is exact", "[cache]")
{
    REQUIRE(format_size(0) == "0b");
    REQUIRE(format_size(1000) == "1000b");
    REQUIRE(format_size(1536) == "1536b");
    REQUIRE(format_size(65'536) == "64kb");
    REQUIRE(format_size(std::uint64_t{3} << 30U) == "3gb");
    for (const std::uint64_t bytes : {1ULL, 1023ULL, 1024ULL, 123'456'789ULL, 1ULL << 40U})
        REQUIRE(parse_size(format_size(bytes)) == bytes);
}
