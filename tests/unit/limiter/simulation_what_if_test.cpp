// Each rule of leases is needed: without it, a random life soon breaks the limit, or costs more.

#include "tests/unit/limiter/model_fleet.hpp"
#include "tests/unit/limiter/model_game.hpp"
#include "tests/unit/limiter/simulation.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

using namespace shoal;
using namespace shoal::test;

namespace {

bool exceeds(const limiter::rate& by, const history& life)
{
    return worst_excess(by, life.admitted, life.allowed, limiter::lease_span_us(by)) > 0;
}

void require_game_won_without(what_if rule, const game_rules& rules, int most)
{
    require_violation(most, [&](std::uint64_t seed) {
        dice random{seed};
        const auto by = random_rate(random);
        return exceeds(by, lease_game{by, rules, random.next(), rule}.play());
    });
}

/// A rule that becomes much tighter or wider, and workers that learn of it at different times.
plan changing_plan(dice& random)
{
    plan made = random_plan(random);
    made.deletes = made.refunds = 0;
    made.load = 8;
    made.rules = {random_rate(random), random_rate(random)};
    return made;
}

bool exceeds_both(const plan& by, const history& life)
{
    limiter::rate largest = by.rules[0];
    const auto& other = by.rules[1];
    if (other.limit * largest.period_us > largest.limit * other.period_us) largest = other;
    largest.burst = std::max(by.rules[0].burst, other.burst);
    return exceeds(largest, life);
}

void require_change_breaks_without(what_if rule, int most)
{
    require_violation(most, [rule](std::uint64_t seed) {
        dice random{seed};
        const plan by = changing_plan(random);
        return exceeds_both(by, fleet_model{by, random.next(), rule}.run());
    });
}

}  // namespace

TEST_CASE("what if a lease were charged at once, not at its end", "[limiter][what-if]")
{
    require_game_won_without(what_if::charged_at_once, {}, 1000);
}

TEST_CASE("what if a lease were checked against the time at which its request came", "[limiter][what-if]")
{
    require_violation(500, [](std::uint64_t seed) {
        dice random{seed};
        const plan by = owned_plan(random);
        return exceeds(by.rules.front(), fleet_model{by, random.next(), what_if::stale_clock}.run());
    });
}

TEST_CASE("what if a lease ran from the reply", "[limiter][what-if]")
{
    require_violation(500, [](std::uint64_t seed) {
        dice random{seed};
        const plan by = owned_plan(random);
        return exceeds(by.rules.front(), fleet_model{by, random.next(), what_if::lease_from_reply}.run());
    });
}

TEST_CASE("what if all that is unspent went back, up to what the cell owes", "[limiter][what-if]")
{
    require_game_won_without(what_if::simply_clamped, {}, 1000);
}

TEST_CASE("what if what goes back were not kept beyond the leases of now", "[limiter][what-if]")
{
    require_game_won_without(what_if::clamped_without_leases, {.moves = 200}, 5000);
}

TEST_CASE("what if a lease were settled as if alone though others moved the cell", "[limiter][what-if]")
{
    require_game_won_without(what_if::settled_as_if_alone, {.moves = 200}, 3000);
}

TEST_CASE("what if what was given back since were not counted", "[limiter][what-if]")
{
    require_game_won_without(what_if::returned_not_counted, {.refunds = 1, .moves = 200}, 6000);
}

TEST_CASE("what if a settlement were repeated after it may have run", "[limiter][what-if]")
{
    require_game_won_without(what_if::settlement_repeated, {}, 2000);
}

TEST_CASE("what if a DELETE kept the generation", "[limiter][what-if]")
{
    require_game_won_without(what_if::generation_kept, {.deletes = 1, .moves = 200}, 3000);
}

TEST_CASE("what if a change of the rate kept the time that is owed, not the cells", "[limiter][what-if]")
{
    require_change_breaks_without(what_if::not_converted, 2000);
}

TEST_CASE("what if a worker with an older rule were judged by its own", "[limiter][what-if]")
{
    require_change_breaks_without(what_if::judged_by_own_rule, 2000);
}

TEST_CASE("what if a cut after a step back of the clock kept the generation", "[limiter][what-if]")
{
    require_game_won_without(what_if::cut_keeps_generation, {.steps_back = 3, .moves = 200}, 4000);
}

TEST_CASE("what if a crowd's cells were handed out to those as well who came after they were taken",
          "[limiter][what-if]")
{
    require_violation(500, [](std::uint64_t seed) {
        dice random{seed};
        const plan by = crowded_plan(random);
        return exceeds(by.rules.front(), fleet_model{by, random.next(), what_if::handed_to_all}.run());
    });
}

TEST_CASE("what if who is not alone got leases as well", "[limiter][what-if]")
{
    // A burst that comes at once, at random over 8 workers: what they still hold when it ends is missing from it.
    plan by;
    by.rules = {limiter::make_rate(10'000, 1'000'000, 2000)};
    by.workers = 8;
    by.requests = 2000;
    by.load = 20;
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    const auto admitted = [&](what_if rule) {
        const history life = fleet_model{by, seed, rule}.run();
        return std::accumulate(life.admitted.begin(), life.admitted.end(), std::int64_t{0},
                               [](auto sum, const auto& one) { return sum + one.cells; });
    };
    REQUIRE(admitted(what_if::as_built) == 2000);
    const auto otherwise = admitted(what_if::leased_to_anyone);
    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0) WARN("of a burst of 2000: " << otherwise);
    REQUIRE(otherwise < 2000);
}

TEST_CASE("what if a step back of the clock were not healed", "[limiter][what-if]")
{
    const auto by = limiter::make_rate(1000, 1'000'000, 100);
    constexpr std::int64_t start = 1'763'822'000'000'000;
    constexpr std::int64_t back = 300'000'000;
    const auto full_after_us = [&](what_if rule) {
        redis_model redis{rule};
        REQUIRE(redis.run({.cost = 100}, by, 1, start).made.granted);
        std::int64_t waited = 0;
        while (waited < back && !redis.run({.cost = 1}, by, 1, start - back + waited).made.granted) waited += 1000;
        return waited;
    };
    REQUIRE(full_after_us(what_if::as_built) == 1000);
    REQUIRE(full_after_us(what_if::not_healed) == back);
}

TEST_CASE("what if refusals were remembered, but not until the wanted cells would fit", "[limiter][what-if]")
{
    plan by;
    by.rules = {limiter::make_rate(10'000, 1'000'000, 10'000)};
    by.requests = 8000;
    by.load = 2;
    by.owned = 1;
    by.exhausted = true;
    const auto calls_per_decision = [&](what_if rule) {
        const history life = fleet_model{by, 1, rule}.run();
        return static_cast<double>(life.calls) / static_cast<double>(life.decisions);
    };
    REQUIRE(calls_per_decision(what_if::refusals_not_held) > 4 * calls_per_decision(what_if::as_built));
}
