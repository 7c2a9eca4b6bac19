#pragma once
// Many random lives, each of a seed of its own that a failure names:
//   SHOAL_SIMULATION_SEED=<seed> unit_relay_progress "<test case>"   plays that one again
//   SHOAL_SIMULATION_ROUNDS=<n>                                      instead of the usual number
//   SHOAL_SIMULATION_FIGURES=1                                       prints what was in them

#include <cstdint>
#include <cstdlib>
#include <random>

#include "tests/unit/relay_progress/model_relay.hpp"

namespace shoal::test {

inline std::uint64_t simulation_setting(const char* name, std::uint64_t otherwise)
{
    const char* const given = std::getenv(name);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

struct relay_lives {
    relay_outcome all;
    std::uint64_t played = 0;
    /// Of the first one in which that happened; 0: none.
    std::uint64_t violated = 0;
};

/// Until `what` happens in one.
inline relay_lives play_many(std::uint64_t most, without left_out, int (*what)(const relay_outcome&))
{
    relay_lives made;
    fast_dice seeds{std::random_device{}()};
    const auto one = simulation_setting("SHOAL_SIMULATION_SEED", 0);
    if (one != 0) most = 1;
    while (made.played < most && made.violated == 0) {
        const auto seed = one != 0 ? one : seeds.next();
        const auto life = relay_life{seed, left_out}.run();
        ++made.played;
        made.all.add(life);
        if (what(life) > 0) made.violated = seed;
    }
    return made;
}

}  // namespace shoal::test
