#include "services/limiter/verdict.hpp"

#include <catch2/catch.hpp>

using namespace shoal::limiter;

namespace {

constexpr std::int64_t second = 1'000'000;

rule demo()
{
    rule made;
    made.name = "demo";
    made.limit = 10;
    made.period_us = 60 * second;
    made.decide = make_rate(10, 60 * second, 10);
    return made;
}

}  // namespace

TEST_CASE("verdict: an admission says what is left and until when", "[limiter]")
{
    const auto by = demo();
    const auto said = verdict_of(by, by.decide, take(by.decide, std::nullopt, 7, 1), 7, 1);
    REQUIRE(to_json(said) ==
            "{\"allowed\":true,\"limit\":10,\"remaining\":3,\"reset_ms\":42000,\"retry_after_ms\":0}\n");
    REQUIRE(policy_field(by) == "\"demo\";q=10;w=60");
    REQUIRE(limit_field(by, said) == "\"demo\";r=3;t=42");
}

TEST_CASE("verdict: a refusal says when to come back, rounded up", "[limiter]")
{
    const auto by = demo();
    const cell full{.base_us = 0, .taken = 10};
    const auto said = verdict_of(by, by.decide, take(by.decide, full, 1, 1), 1, 1);
    REQUIRE_FALSE(said.allowed);
    REQUIRE(said.remaining == 0);
    REQUIRE(said.retry_after_ms == 6000);
    REQUIRE(said.reset_ms == 60'000);
    REQUIRE(retry_after_field(said) == "6");
    const auto later = verdict_of(by, by.decide, take(by.decide, full, 1, 5'999'500), 1, 5'999'500);
    REQUIRE(later.retry_after_ms == 1);
    REQUIRE(retry_after_field(later) == "1");
}

TEST_CASE("verdict: a window below a second is shown as one", "[limiter]")
{
    rule by = demo();
    by.period_us = 100'000;
    REQUIRE(policy_field(by) == "\"demo\";q=10;w=1");
}
