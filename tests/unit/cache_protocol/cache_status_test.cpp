#include "services/cache/protocol/cache_status.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "services/cache/protocol/structured_fields.hpp"

using namespace shoal::cache::protocol;

namespace {

std::string text(const cache_status& of)
{
    const cache_status_line line{of};
    return std::string{line.view()};
}

}  // namespace

TEST_CASE("cache_status: what is said of an answer (RFC 9211)", "[cache_protocol]")
{
    CHECK(text({.hit = true, .ttl = 376}) == "Cache-Status: shoal; hit; ttl=376\r\n");
    CHECK(text({.hit = true, .ttl = -412, .detail = "l2"}) == "Cache-Status: shoal; hit; ttl=-412; detail=l2\r\n");
    CHECK(text({.forward = forward_reason::uri_miss, .forward_status = 200, .ttl = 60, .stored = true}) ==
          "Cache-Status: shoal; fwd=uri-miss; fwd-status=200; ttl=60; stored\r\n");
    CHECK(text({.forward = forward_reason::vary_miss, .collapsed = true}) ==
          "Cache-Status: shoal; fwd=vary-miss; collapsed\r\n");
    CHECK(text({}) == "Cache-Status: shoal\r\n");
}

TEST_CASE("cache_status: each reason has its own word", "[cache_protocol]")
{
    CHECK(text({.forward = forward_reason::bypass}) == "Cache-Status: shoal; fwd=bypass\r\n");
    CHECK(text({.forward = forward_reason::method}) == "Cache-Status: shoal; fwd=method\r\n");
    CHECK(text({.forward = forward_reason::miss}) == "Cache-Status: shoal; fwd=miss\r\n");
    CHECK(text({.forward = forward_reason::request}) == "Cache-Status: shoal; fwd=request\r\n");
    CHECK(text({.forward = forward_reason::stale}) == "Cache-Status: shoal; fwd=stale\r\n");
    CHECK(text({.forward = forward_reason::partial}) == "Cache-Status: shoal; fwd=partial\r\n");
}

TEST_CASE("cache_status: a detail that is no token, or does not fit, is left out", "[cache_protocol]")
{
    for (const auto* const wrong : {"no store", "a\r\nX: y", "1st", "\"x\""}) {
        CHECK(text({.hit = true, .detail = wrong}) == "Cache-Status: shoal; hit\r\n");
    }
    const std::string long_detail(200, 'd');
    CHECK(text({.hit = true, .detail = long_detail}) == "Cache-Status: shoal; hit\r\n");
}

TEST_CASE("cache_status: the longest line is complete, and a structured field", "[cache_protocol]")
{
    const std::string line = text({.forward = forward_reason::vary_miss,
                                   .forward_status = 4'294'967'295U,
                                   .ttl = -9'007'199'254'740,
                                   .stored = true,
                                   .collapsed = true,
                                   .detail = "no-freshness"});
    REQUIRE(line.ends_with("; detail=no-freshness\r\n"));
    const std::string value = line.substr(14, line.size() - 16);
    const auto parsed = sf::parse_list(value);
    REQUIRE(parsed.has_value());
    REQUIRE(parsed->size() == 1);
    CHECK(std::get<sf::item>(parsed->front()).with.size() == 6);
}

TEST_CASE("cache_status: Age is within its bounds", "[cache_protocol]")
{
    CHECK(age_line{0}.view() == "Age: 0\r\n");
    CHECK(age_line{-5}.view() == "Age: 0\r\n");
    CHECK(age_line{12'345}.view() == "Age: 12345\r\n");
    CHECK(age_line{INT64_MAX}.view() == "Age: 2147483648\r\n");
}

TEST_CASE("cache status: the value alone", "[cache_protocol]")
{
    const cache_status_line line{{.forward = forward_reason::stale, .ttl = -3}};
    CHECK(line.value() == "shoal; fwd=stale; ttl=-3");
    CHECK("Cache-Status: " + std::string{line.value()} + "\r\n" == line.view());
}
