// The limit holds, whatever happens to the fleet. Each schedule is one random life of a key with a seed of its own:
//   SHOAL_SIMULATION_SEED=<seed> unit_limiter "simulation:*"     plays that one again
//   SHOAL_SIMULATION_ROUNDS=<n>                                  instead of the usual number

#include "tests/unit/limiter/model_fleet.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <random>

using namespace shoal;
using namespace shoal::test;

namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise)
{
    const char* const given = std::getenv(name);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

/// Calls `play(seed)` for many seeds.
template <class Play>
void for_each_schedule(std::uint64_t rounds, const Play& play)
{
    if (const auto one = number_from("SHOAL_SIMULATION_SEED", 0); one != 0) return play(one);
    dice seeds{std::random_device{}()};
    rounds = number_from("SHOAL_SIMULATION_ROUNDS", rounds);
    for (std::uint64_t i = 0; i < rounds; ++i) play(seeds.next());
}

void require_limit(const limiter::rate& by, const history& life)
{
    CAPTURE(by.limit, by.period_us, by.burst, life.admitted.size(), life.leases, life.settled_cells);
    REQUIRE(worst_excess(by, life.admitted, life.allowed, limiter::lease_span_us(by)) <= 0);
}

}  // namespace

TEST_CASE("simulation: no interval admits more than burst + rate * T, whatever befalls the workers",
          "[limiter][property]")
{
    for_each_schedule(2000, [](std::uint64_t seed) {
        CAPTURE(seed);
        dice random{seed};
        const plan by = random_plan(random);
        require_limit(by.rules.front(), fleet_model{by, random.next()}.run());
    });
}
