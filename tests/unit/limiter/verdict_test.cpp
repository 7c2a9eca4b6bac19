#include "services/limiter/verdict.hpp"

#include <catch2/catch.hpp>

using namespace shoal::limiter;

namespace {

rule demo()
{
    rule made;
    made.name = "demo";
    made.limit = 10;
    made.period_us = 60'000'000;
    return made;
}

outcome granted(std::int64_t remaining, std::int64_t reset_us)
{
    return {.granted = true, .after = {.remaining = remaining, .reset_us = reset_us}};
}

outcome refused(std::int64_t retry_after_us)
{
    return {.granted = false, .after = {.remaining = 0, .reset_us = 60'000'000, .retry_after_us = retry_after_us}};
}

}  // namespace

TEST_CASE("verdict: an admission says what is left and until when", "[limiter]")
{
    const auto said = verdict_of(demo(), granted(3, 41'999'001));
    REQUIRE(to_json(said) ==
            "{\"allowed\":true,\"limit\":10,\"remaining\":3,\"reset_ms\":42000,\"retry_after_ms\":0}\n");
    REQUIRE(policy_field(demo()) == std::string_view{"\"demo\";q=10;w=60"});
    REQUIRE(limit_field(demo(), said) == std::string_view{"\"demo\";r=3;t=42"});
    REQUIRE(reset_seconds(said) == 42);
}

TEST_CASE("verdict: a refusal says when to come back, rounded up", "[limiter]")
{
    const auto said = verdict_of(demo(), refused(5'999'001));
    REQUIRE_FALSE(said.allowed);
    REQUIRE(said.retry_after_ms == 6000);
    REQUIRE(said.reset_ms == 60'000);
    REQUIRE(retry_after_seconds(said) == 6);
    const auto soon = verdict_of(demo(), refused(1));
    REQUIRE(soon.retry_after_ms == 1);
    REQUIRE(retry_after_seconds(soon) == 1);
    REQUIRE(retry_after_seconds(verdict{}) == 1);
}

TEST_CASE("verdict: in shadow mode everybody is allowed and told what would have been", "[limiter]")
{
    rule by = demo();
    by.shadow = true;
    REQUIRE(to_json(verdict_of(by, refused(6'000'000))) ==
            "{\"allowed\":true,\"limit\":10,\"remaining\":0,\"reset_ms\":60000,\"retry_after_ms\":0,"
            "\"shadow\":\"refused\"}\n");
    REQUIRE(to_json(verdict_of(by, granted(9, 6'000'000))) ==
            "{\"allowed\":true,\"limit\":10,\"remaining\":9,\"reset_ms\":6000,\"retry_after_ms\":0,"
            "\"shadow\":\"allowed\"}\n");
}

TEST_CASE("verdict: a slot and a refund have bodies of their own", "[limiter]")
{
    auto said = verdict_of(demo(), granted(3, 41'999'001));
    REQUIRE(slot_json("00ff", 30'000, said) == "{\"id\":\"00ff\",\"ttl_ms\":30000,\"limit\":10,\"remaining\":3}\n");
    REQUIRE(refund_json(2, said) == "{\"refunded\":2,\"limit\":10,\"remaining\":3,\"reset_ms\":42000}\n");
    said.opinion = verdict::shadow::refused;
    REQUIRE(slot_json("00ff", 1, said) ==
            "{\"id\":\"00ff\",\"ttl_ms\":1,\"limit\":10,\"remaining\":3,\"shadow\":\"refused\"}\n");
}

TEST_CASE("verdict: a window below a second is shown as one, slots have none", "[limiter]")
{
    rule by = demo();
    by.period_us = 100'000;
    REQUIRE(policy_field(by) == std::string_view{"\"demo\";q=10;w=1"});
    by.kind = algorithm::concurrency;
    REQUIRE(policy_field(by) == std::string_view{"\"demo\";q=10;qu=\"concurrent-requests\""});
}

TEST_CASE("verdict: the longest field and the longest body fit into what is kept for them", "[limiter]")
{
    rule by;
    by.name = std::string(64, 'x');
    by.limit = INT64_MAX;
    by.period_us = INT64_MAX - 1'000'000;
    verdict said{.limit = INT64_MAX, .remaining = INT64_MAX, .reset_ms = INT64_MAX - 1000, .retry_after_ms = 1};
    REQUIRE(std::string{std::string_view{limit_field(by, said)}} ==
            '"' + by.name + "\";r=9223372036854775807;t=9223372036854775");
    by.kind = algorithm::concurrency;
    REQUIRE(std::string_view{policy_field(by)}.size() < 192);

    const std::int64_t most_ms = std::int64_t{366} * 24 * 3600 * 1000;
    said = {
        .allowed = false, .limit = 10'000'000, .remaining = 10'000'000, .reset_ms = most_ms, .retry_after_ms = most_ms};
    said.opinion = verdict::shadow::refused;
    REQUIRE(to_json(said).capacity() == 160);
}
