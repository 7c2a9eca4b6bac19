#include "tests/load/domain/schedule.hpp"

#include <catch2/catch.hpp>

#include <cmath>

#include "tests/support/dice.hpp"

using namespace shoal::load;
using namespace std::chrono_literals;

namespace {

std::vector<due> all(schedule when)
{
    std::vector<due> found;
    while (const auto next = when.peek()) {
        found.push_back(*next);
        when.advance();
    }
    return found;
}

}  // namespace

TEST_CASE("schedule: arrival i is at i/rate after the start, to the nanosecond", "[load]")
{
    const auto arrived = all(schedule{{{arrival_rate{300'000}, 10s}}, 7ms});
    REQUIRE(arrived.size() == 3000);
    for (std::size_t i = 0; i < arrived.size(); ++i)
        CHECK(arrived[i].at == 7ms + std::chrono::nanoseconds{static_cast<std::int64_t>(i) * 1'000'000'000 / 300});
}

TEST_CASE("schedule: no error adds up over a day at the highest rate", "[load]")
{
    // 10^6 a second for a day: the last one but one second is exactly that.
    CHECK(offset(86'399'000'000, arrival_rate{1'000'000'000}) == 86'399s);
    CHECK(offset(86'399'000'001, arrival_rate{1'000'000'000}) == 86'399s + 1us);
    // A rate that no power of ten is a multiple of: three per second.
    CHECK(offset(3 * 86'400, arrival_rate{3000}) == 86'400s);
    CHECK(offset(3 * 86'400 + 1, arrival_rate{3000}) == 86'400s + 333'333'333ns);
}

TEST_CASE("schedule: a step has every arrival that is earlier than its end", "[load]")
{
    CHECK(arrivals({arrival_rate{200'000}, 10s}) == 2000);
    CHECK(arrivals({arrival_rate{1000}, 1500ms}) == 2);
    CHECK(arrivals({arrival_rate{1000}, 1ns}) == 1);
    CHECK(arrivals({arrival_rate{1}, 1000s}) == 1);
    CHECK(arrivals({arrival_rate{1}, 1000s + 1ns}) == 2);
}

TEST_CASE("schedule: the number of arrivals is right for rates and times of all kinds", "[load]")
{
    constexpr std::uint64_t seed = 20261123;
    INFO("seed " << seed);
    shoal::test::fast_dice dice{seed};
    for (int i = 0; i < 20'000; ++i) {
        const load_step step{arrival_rate{dice.next() % 1'000'000'000 + 1},
                             std::chrono::nanoseconds{dice.between(1, 86'400'000'000'000)}};
        const auto count = arrivals(step);
        REQUIRE(count > 0);
        REQUIRE(offset(count - 1, step.rate) < step.length);
        REQUIRE(offset(count, step.rate) >= step.length);
    }
}

TEST_CASE("schedule: each step begins where the one before it was to end", "[load]")
{
    const auto arrived =
        all(schedule{{{arrival_rate{10'000}, 1s}, {arrival_rate{3000}, 1s}, {arrival_rate{10'000}, 1s}}, 0s, 5});
    REQUIRE(arrived.size() == 23);
    CHECK(arrived[9].at == 900ms);
    CHECK(arrived[10].at == 1s);
    CHECK(arrived[10].step == 6);
    CHECK(arrived[12].at == 1s + 666'666'666ns);
    CHECK(arrived[13].at == 2s);
    CHECK(arrived[13].step == 7);
    CHECK(schedule{{{arrival_rate{10'000}, 1s}, {arrival_rate{3000}, 1s}}, 4s}.end() == 6s);
    CHECK(schedule{{{arrival_rate{10'000}, 1s}, {arrival_rate{3000}, 1s}}, 4s}.total() == 13);
}
