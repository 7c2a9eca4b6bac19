#pragma once
// Many random lives of a relay that keeps views; the settings are those of simulation.hpp.

#include <cstdint>
#include <random>

#include "tests/unit/relay_progress/model_views_life.hpp"
#include "tests/unit/relay_progress/simulation.hpp"

namespace shoal::test {

struct views_lives {
    views_outcome all{};
    std::uint64_t played = 0;
    /// Of the first one in which that happened; 0: none.
    std::uint64_t violated = 0;
};

/// Until `what` happens in one.
inline views_lives play_views(std::uint64_t most, left_out without, int (*what)(const views_outcome&))
{
    views_lives made;
    fast_dice seeds{std::random_device{}()};
    const auto one = simulation_setting("SHOAL_SIMULATION_SEED", 0);
    if (one != 0) most = 1;
    while (made.played < most && made.violated == 0) {
        const auto seed = one != 0 ? one : seeds.next();
        const auto life = views_life{seed, without}.run();
        ++made.played;
        made.all.add(life);
        if (what(life) > 0) made.violated = seed;
    }
    return made;
}

}  // namespace shoal::test
