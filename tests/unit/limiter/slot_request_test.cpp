#include "services/limiter/slot_request.hpp"

#include <catch2/catch.hpp>

using namespace shoal::limiter;

TEST_CASE("slot: a ttl is 30 seconds or what the rule allows, unless it is asked for", "[limiter]")
{
    REQUIRE(*read_ttl_ms("", "", 600'000) == 30'000);
    REQUIRE(*read_ttl_ms("", "{}", 5'000) == 5'000);
    REQUIRE(*read_ttl_ms("", R"({"ttl_ms":600000})", 600'000) == 600'000);
    REQUIRE(*read_ttl_ms("", R"({"ttl_ms":1})", 600'000) == 1);
}

TEST_CASE("slot: a malformed ttl is refused with 400, a long one with 422", "[limiter]")
{
    const auto [query, body, status] = GENERATE(table<std::string, std::string, unsigned>({
        {"ttl_ms=5", "", 400},
        {"", R"({"ttl":5})", 400},
        {"", R"({"ttl_ms":0})", 400},
        {"", R"({"ttl_ms":1.5})", 400},
        {"", R"({"ttl_ms":"5"})", 400},
        {"", R"({"ttl_ms":5,"ttl_ms":5})", 400},
        {"", "5", 400},
        {"", R"({"ttl_ms":1001})", 422},
        {"", R"({"ttl_ms":18446744073709551615})", 422},
    }));
    CAPTURE(query, body);
    const auto read = read_ttl_ms(query, body, 1000);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == status);
    REQUIRE_FALSE(read.error().detail.empty());
}

TEST_CASE("slot: an id is 32 lower-case hexadecimal digits", "[limiter]")
{
    REQUIRE(is_slot_id("0123456789abcdef0123456789abcdef"));
    REQUIRE_FALSE(is_slot_id("0123456789abcdef0123456789abcde"));
    REQUIRE_FALSE(is_slot_id("0123456789abcdef0123456789abcdef0"));
    REQUIRE_FALSE(is_slot_id("0123456789ABCDEF0123456789abcdef"));
    REQUIRE_FALSE(is_slot_id(""));
}
