// What leases cost and save. SHOAL_SIMULATION_FIGURES=1 prints what was measured.

#include "tests/unit/limiter/model_fleet.hpp"
#include "tests/unit/limiter/simulation.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <string>

using namespace shoal;
using namespace shoal::test;

namespace {

constexpr std::int64_t second = 1'000'000;

void tell(const std::string& what, double figure)
{
    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0) WARN(what << ": " << figure);
}

double admitted_cells(const history& life)
{
    return static_cast<double>(std::accumulate(life.admitted.begin(), life.admitted.end(), std::int64_t{0},
                                               [](auto sum, const auto& one) { return sum + one.cells; }));
}

/// Of what a client could have had: what refilled, or what it asked for where that is less.
double utilisation(const limiter::rate& by, const history& life)
{
    const double refilled =
        static_cast<double>(life.ended_us) * static_cast<double>(by.limit) / static_cast<double>(by.period_us);
    return admitted_cells(life) / std::min(refilled, static_cast<double>(life.asked_cells));
}

}  // namespace

TEST_CASE("promise: a load at the limit, at random over 8 workers, gets at least 95% of it", "[limiter][property]")
{
    const auto burst = GENERATE(100, 1000, 5000);
    plan by;
    by.rules = {limiter::make_rate(5000, second, burst)};
    by.workers = 8;
    by.requests = 20'000;
    by.exhausted = true;
    const auto seed = std::random_device{}();
    CAPTURE(seed, burst);
    const double share = utilisation(by.rules.front(), fleet_model{by, seed}.run());
    tell("utilisation at 5000/s over 8 workers, burst " + std::to_string(burst), share);
    REQUIRE(share >= 0.95);
}

TEST_CASE("promise: at a fast key's owner at most 5% of decisions call Redis", "[limiter][property]")
{
    const auto load = GENERATE(0.5, 1.0, 2.0);
    plan by;
    by.rules = {limiter::make_rate(10'000, second, 10'000)};
    by.requests = 10'000;
    by.load = load;
    by.owned = 1;
    by.exhausted = load >= 1;
    const auto seed = std::random_device{}();
    CAPTURE(seed, load);
    const history life = fleet_model{by, seed}.run();
    const double calls = static_cast<double>(life.calls) / static_cast<double>(life.decisions);
    tell("calls per decision at the owner, load " + std::to_string(load), calls);
    REQUIRE(life.decisions == 10'000);
    REQUIRE(calls <= 0.05);
}

TEST_CASE("promise: a killed worker takes at most one lease with it", "[limiter][property]")
{
    std::int64_t most = 0;
    for_each_life(200, [&most](std::uint64_t seed) {
        CAPTURE(seed);
        dice random{seed};
        plan by = random_plan(random);
        by.owned = 1;
        by.kills = 0.05;
        by.evictions = 0;
        const history life = fleet_model{by, random.next()}.run();
        REQUIRE(life.most_lost <= limiter::most_leased(by.rules.front()));
        most = std::max(most, life.most_lost);
    });
    tell("most cells lost by a kill", static_cast<double>(most));
    REQUIRE(most > 0);
}

namespace {

/// Of a lone client's waits, how many ended with a refusal.
double in_vain(double owned)
{
    std::int64_t waited = 0;
    std::int64_t refused = 0;
    for_each_life(200, [&](std::uint64_t seed) {
        dice random{seed};
        plan by;
        by.rules = {random_rate(random)};
        by.workers = static_cast<int>(random.between(2, 8));
        // Clocks that time synchronisation keeps.
        by.most_drift_ppm = 30;
        by.owned = owned;
        by.requests = 200;
        by.load = random.chance(0.5) ? 4 : 1;
        by.lone_client = true;
        by.exhausted = true;
        by.usual_latency_us = random.of_any_size(60, 5'000);
        by.most_cost = random.chance(0.5) ? 1 : 5;
        const history life = fleet_model{by, random.next()}.run();
        waited += life.waited;
        refused += life.waited_in_vain;
    });
    CAPTURE(waited, refused);
    REQUIRE(waited > 0);
    return static_cast<double>(refused) / static_cast<double>(waited);
}

}  // namespace

TEST_CASE("promise: a lone client that waits as long as it was told is granted in 99.9% of cases",
          "[limiter][property]")
{
    const double share = in_vain(1);
    tell("waited in vain at the owner", share);
    REQUIRE(share <= 0.001);
}

TEST_CASE("promise: where hashing does not keep it at one worker, a lone client may be told too little at times",
          "[limiter][property]")
{
    // Another worker may remember an earlier refusal, by a clock that is late by the way of its own reply.
    const double share = in_vain(0);
    tell("waited in vain, routed at random", share);
    REQUIRE(share <= 0.15);
}
