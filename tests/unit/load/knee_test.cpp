#include "tests/load/domain/knee.hpp"

#include <catch2/catch.hpp>

#include "tests/load/domain/bad_input.hpp"
#include "tests/support/dice.hpp"

using namespace shoal::load;
using namespace std::chrono_literals;

namespace {

/// Tries rates at a server that does well up to `capacity` thousandths per second.
std::pair<std::optional<arrival_rate>, int> search(std::uint64_t first, std::uint64_t capacity,
                                                   std::uint64_t most = 1'000'000'000)
{
    knee_search trials{arrival_rate{first}, arrival_rate{most}};
    int count = 0;
    while (const auto rate = trials.next()) {
        trials.record(rate->milli <= capacity);
        ++count;
    }
    return {trials.found(), count};
}

group seen(int good, int bad, std::chrono::nanoseconds latency)
{
    group all{8};
    for (int i = 0; i < good; ++i) all.add({.done = latency});
    for (int i = 0; i < bad; ++i) all.add({.how = fate::wrong_status, .done = latency});
    return all;
}

}  // namespace

TEST_CASE("knee: found from below and from above, within four per cent", "[load]")
{
    constexpr std::uint64_t seed = 5;
    INFO("seed " << seed);
    shoal::test::fast_dice dice{seed};
    for (int i = 0; i < 2000; ++i) {
        const auto capacity = static_cast<std::uint64_t>(dice.between(2000, 500'000'000));
        const auto first = static_cast<std::uint64_t>(dice.between(1000, 500'000'000));
        const auto [found, count] = search(first, capacity);
        INFO("capacity " << capacity << ", beginning at " << first);
        REQUIRE(found);
        REQUIRE(found->milli <= capacity);
        REQUIRE(static_cast<double>(found->milli) >= static_cast<double>(capacity) / 1.05);
        REQUIRE(count <= 60);
    }
}

TEST_CASE("knee: a server that does nothing well has none", "[load]")
{
    const auto [found, count] = search(100'000, 0);
    CHECK_FALSE(found);
    CHECK(count <= 60);
}

TEST_CASE("knee: one that does all well is tried up to the highest rate", "[load]")
{
    knee_search trials{arrival_rate{100'000}, arrival_rate{1'000'000}};
    while (trials.next()) trials.record(true);
    CHECK(trials.found() == arrival_rate{1'000'000});
    CHECK(trials.reached_most());
}

TEST_CASE("knee: one bad trial is tried again before it is believed", "[load]")
{
    knee_search trials{arrival_rate{100'000}, arrival_rate{1'000'000'000}};
    trials.record(true);
    REQUIRE(trials.next() == arrival_rate{200'000});
    trials.record(false);
    REQUIRE(trials.next() == arrival_rate{200'000});
    trials.record(true);
    CHECK(trials.next() == arrival_rate{400'000});
    trials.record(false);
    trials.record(false);
    CHECK(trials.next() == arrival_rate{300'000});
}

TEST_CASE("knee: the bound is tried a last time, and may turn out to be none", "[load]")
{
    // Two bad trials at 100/s were the machine's; from the fifth on the server shows that it does 1000/s.
    knee_search trials{arrival_rate{100'000}, arrival_rate{1'000'000'000}};
    int count = 0;
    while (const auto rate = trials.next()) trials.record(++count > 4 && rate->milli <= 1'000'000);
    REQUIRE(trials.found());
    CHECK(trials.found()->milli <= 1'000'000);
    CHECK(trials.found()->milli >= 950'000);
    CHECK(count <= 60);
}

TEST_CASE("slo: a percentile, its limit and the share that may fail", "[load]")
{
    const auto plain = parse_objective("p99=5ms");
    CHECK(plain.quantile == Approx(0.99));
    CHECK(plain.latency == 5ms);
    CHECK(plain.errors == Approx(0.001));
    const auto whole = parse_objective("errors=1.5%,p999=1s");
    CHECK(whole.quantile == Approx(0.999));
    CHECK(whole.latency == 1s);
    CHECK(whole.errors == Approx(0.015));
    CHECK(describe(whole) == "p99.9 at most 1s, errors at most 1.5%");
    for (const auto* const wrong :
         {"5ms", "p99", "p99=", "p99=5", "p=5ms", "p9x=5ms", "p-9=5ms", "errors=1", "errors=101%", "p99=0s", "q99=1s"})
        CHECK_THROWS_AS(parse_objective(wrong), bad_input);
}

TEST_CASE("slo: met by the latencies and by the errors", "[load]")
{
    const auto wanted = parse_objective("p99=5ms,errors=1%");
    CHECK(meets(seen(99, 1, 5ms), wanted));
    CHECK_FALSE(meets(seen(98, 2, 5ms), wanted));
    CHECK_FALSE(meets(seen(100, 0, 5100us), wanted));
    CHECK_FALSE(meets(seen(0, 0, 1ms), wanted));
}
