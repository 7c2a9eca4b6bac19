#include "services/limiter/parameters.hpp"

#include <catch2/catch.hpp>

using namespace shoal::limiter;

TEST_CASE("key: percent-encoded UTF-8 of up to 512 bytes", "[limiter]")
{
    REQUIRE(*read_key("alice") == "alice");
    REQUIRE(*read_key("a%2Fb%3Fc+d") == "a/b?c+d");
    REQUIRE(*read_key("%C3%A9") == "\xC3\xA9");
    REQUIRE(*read_key("%00") == std::string(1, '\0'));
    REQUIRE(read_key(std::string(512, 'x'))->size() == 512);
}

TEST_CASE("key: what is malformed is refused with 400 and a reason", "[limiter]")
{
    const auto [segment, reason] = GENERATE(table<std::string, std::string>({
        {"100%", "hexadecimal"},
        {"%4", "hexadecimal"},
        {"%GG", "hexadecimal"},
        {"%FF", "UTF-8"},
        {"%C0%80", "UTF-8"},
        {"%ED%A0%80", "UTF-8"},
        {std::string(513, 'x'), "512 bytes"},
        {"", "empty"},
    }));
    const auto read = read_key(segment);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == 400);
    REQUIRE_THAT(read.error().detail, Catch::Contains(reason));
}

TEST_CASE("cost: 1 unless the query or the body says otherwise", "[limiter]")
{
    REQUIRE(*read_cost("", "", 10) == 1);
    REQUIRE(*read_cost("cost=3", "", 10) == 3);
    REQUIRE(*read_cost("", R"({"cost":4})", 10) == 4);
    REQUIRE(*read_cost("", "{}", 10) == 1);
    REQUIRE(*read_cost("cost=5", R"({"cost":5})", 10) == 5);
}

TEST_CASE("cost: what is malformed is refused with 400, what is too much with 422", "[limiter]")
{
    const auto [query, body, status] = GENERATE(table<std::string, std::string, unsigned>({
        {"cost=0", "", 400},
        {"cost=-1", "", 400},
        {"cost=-99999999999999999999", "", 400},
        {"cost=1.5", "", 400},
        {"cost=", "", 400},
        {"cost", "", 400},
        {"cost=3x", "", 400},
        {"cost=1&cost=1", "", 400},
        {"prize=1", "", 400},
        {"", R"({"cost":"3"})", 400},
        {"", R"({"cost":1.5})", 400},
        {"", R"({"cost":0})", 400},
        {"", R"({"prize":1})", 400},
        {"", R"([1])", 400},
        {"", R"({"cost":1)", 400},
        {"cost=2", R"({"cost":3})", 400},
        {"cost=11", "", 422},
        {"cost=99999999999999999999", "", 422},
        {"", R"({"cost":18446744073709551615})", 422},
    }));
    CAPTURE(query, body);
    const auto read = read_cost(query, body, 10);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == status);
    REQUIRE_FALSE(read.error().detail.empty());
}
