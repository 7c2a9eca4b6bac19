#pragma once
// Many random lives, each of a seed of its own that a failure names:
//   SHOAL_SIMULATION_SEED=<seed> unit_limiter "<test case>"     plays that one again
//   SHOAL_SIMULATION_ROUNDS=<n>                                 instead of the usual number
//   SHOAL_SIMULATION_FIGURES=1                                  prints what was measured

#include "tests/unit/limiter/model_plan.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <random>

namespace shoal::test {

inline std::uint64_t simulation_setting(const char* name, std::uint64_t otherwise)
{
    const char* const given = std::getenv(name);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

/// Calls `play(seed)` for many seeds, or for the one that was asked for.
template <class Play>
void for_each_life(std::uint64_t rounds, const Play& play)
{
    if (const auto one = simulation_setting("SHOAL_SIMULATION_SEED", 0); one != 0) return play(one);
    dice seeds{std::random_device{}()};
    rounds = simulation_setting("SHOAL_SIMULATION_ROUNDS", rounds);
    for (std::uint64_t i = 0; i < rounds; ++i) play(seeds.next());
}

/// How many lives it takes until `breaks(seed)`; fails when none of `most` does.
template <class Breaks>
void require_violation(int most, const Breaks& breaks)
{
    const std::uint64_t first = std::random_device{}();
    CAPTURE(first, most);
    dice seeds{first};
    for (int i = 0; i < most; ++i) {
        if (!breaks(seeds.next())) continue;
        if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0) WARN("found in life " << i + 1 << " of " << most);
        SUCCEED();
        return;
    }
    FAIL("the rule was left out, and no life shows it");
}

}  // namespace shoal::test
