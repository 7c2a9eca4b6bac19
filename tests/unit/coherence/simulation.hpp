#pragma once
// Many random lives, each of a seed of its own that a failure names:
//   SHOAL_SIMULATION_SEED=<seed> unit_cache_coherence "<test case>"   plays that one again
//   SHOAL_SIMULATION_ROUNDS=<n>                                       instead of the usual number
//   SHOAL_SIMULATION_FIGURES=1                                        prints what was in them

#include <cstdint>
#include <cstdlib>
#include <random>

#include "tests/unit/coherence/model_world.hpp"

namespace shoal::test {

inline std::uint64_t simulation_setting(const char* name, std::uint64_t otherwise)
{
    const char* const given = std::getenv(name);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

using plan_maker = plan (*)(fast_dice&);

inline outcome play(std::uint64_t seed, what_if left_out, plan_maker make)
{
    fast_dice random{seed};
    const plan by = make(random);
    return cache_world{by, random.next(), left_out}.run();
}

struct lives {
    outcome all;
    std::uint64_t played = 0;
    /// Of the first one in which an answer was older than a purge that had been acknowledged; 0: none.
    std::uint64_t violated = 0;
};

/// Until one is violated.
inline lives play_many(std::uint64_t most, what_if left_out = what_if::as_built, plan_maker make = random_plan)
{
    lives made;
    fast_dice seeds{std::random_device{}()};
    const auto one = simulation_setting("SHOAL_SIMULATION_SEED", 0);
    if (one != 0) most = 1;
    while (made.played < most && made.violated == 0) {
        const auto seed = one != 0 ? one : seeds.next();
        const auto life = play(seed, left_out, make);
        ++made.played;
        made.all.add(life);
        if (life.violations > 0) made.violated = seed;
    }
    return made;
}

}  // namespace shoal::test
