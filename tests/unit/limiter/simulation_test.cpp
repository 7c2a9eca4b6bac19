// The limit holds, whatever happens to the fleet.

#include "tests/unit/limiter/simulation.hpp"
#include "tests/unit/limiter/model_fleet.hpp"
#include "tests/unit/limiter/model_game.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iterator>

using namespace shoal;
using namespace shoal::test;

namespace {

void require_limit(const limiter::rate& by, const history& life)
{
    CAPTURE(by.limit, by.period_us, by.burst, life.admitted.size(), life.leases, life.crowds, life.settled_cells);
    REQUIRE(worst_excess(by, life.admitted, life.allowed, limiter::lease_span_us(by)) <= 0);
}

std::vector<moved_cells> within(const std::vector<moved_cells>& all, std::int64_t from_us, std::int64_t until_us)
{
    std::vector<moved_cells> some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                 [=](const auto& one) { return one.at_us >= from_us && one.at_us < until_us; });
    return some;
}

void require_limit_of_lives(std::uint64_t rounds, plan (*make)(dice&))
{
    for_each_life(rounds, [make](std::uint64_t seed) {
        CAPTURE(seed);
        dice random{seed};
        const plan by = make(random);
        require_limit(by.rules.front(), fleet_model{by, random.next()}.run());
    });
}

void require_limit_of_games(const game_rules& rules)
{
    for_each_life(1000, [&rules](std::uint64_t seed) {
        CAPTURE(seed);
        dice random{seed};
        const auto by = random_rate(random);
        require_limit(by, lease_game{by, rules, random.next()}.play());
    });
}

}  // namespace

TEST_CASE("simulation: no interval admits more than burst + rate * T, whatever befalls the workers",
          "[limiter][property]")
{
    require_limit_of_lives(300, random_plan);
}

TEST_CASE("simulation: nor when several workers settle leases of a budget that is nearly used up",
          "[limiter][property]")
{
    require_limit_of_lives(300, contended_plan);
}

TEST_CASE("simulation: nor at an owner that pauses at any moment of its leases", "[limiter][property]")
{
    require_limit_of_lives(200, owned_plan);
}

TEST_CASE("simulation: nor when crowds wait, and leave before they are served", "[limiter][property]")
{
    require_limit_of_lives(200, crowded_plan);
}

TEST_CASE("simulation: nor in whatever order leases are taken, spent and given back", "[limiter][property]")
{
    require_limit_of_games({});
}

TEST_CASE("simulation: refunds count once, for a lease of time", "[limiter][property]")
{
    require_limit_of_games({.refunds = 2});
}

TEST_CASE("simulation: a DELETE is worth one burst, for a lease of time", "[limiter][property]")
{
    require_limit_of_games({.deletes = 1});
}

TEST_CASE("simulation: a clock that steps back admits nothing more", "[limiter][property]")
{
    require_limit_of_games({.steps_back = 1});
    require_limit_of_games({.refunds = 1, .deletes = 1, .steps_back = 1});
}

TEST_CASE("simulation: a clock that steps forward admits what refills in the step, at most a burst",
          "[limiter][property]")
{
    for_each_life(250, [](std::uint64_t seed) {
        CAPTURE(seed);
        dice random{seed};
        plan by = random.chance(0.5) ? random_plan(random) : contended_plan(random);
        by.steps_forward = 0.01;
        by.steps_back = random.chance(0.5) ? 0.01 : 0;
        require_limit(by.rules.front(), fleet_model{by, random.next()}.run());
    });
}

TEST_CASE("simulation: each version of a rule holds while it reigns, and their bursts together across changes",
          "[limiter][property]")
{
    for_each_life(250, [](std::uint64_t seed) {
        CAPTURE(seed);
        dice random{seed};
        plan by = random_plan(random);
        by.deletes = by.refunds = 0;
        by.rules = {random_rate(random), random_rate(random), random_rate(random)};
        const history life = fleet_model{by, random.next()}.run();
        // What is owed beyond a smaller burst is forgiven, so that a change down and up again is worth a burst.
        limiter::rate largest = by.rules.front();
        largest.burst = 0;
        std::int64_t lease_us = 0;
        for (const auto& one : by.rules) {
            largest.burst += one.burst;
            lease_us = std::max(lease_us, limiter::lease_span_us(one));
            if (one.limit * largest.period_us > largest.limit * one.period_us)
                largest = {.period_us = one.period_us, .limit = one.limit, .burst = largest.burst};
        }
        require_limit(largest, life);
        for (std::size_t i = 0; i < by.rules.size(); ++i) {
            const auto& [from, until] = life.reigns[i];
            CAPTURE(i, from, until);
            const std::int64_t settled = i == 0 ? 0 : from + lease_us;
            REQUIRE(worst_excess(by.rules[i], within(life.admitted, settled, until)) <= 0);
        }
    });
}
