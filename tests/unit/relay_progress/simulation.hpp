#pragma once
// Many random lives, each of a seed of its own that a failure names:
//   SHOAL_SIMULATION_SEED=<seed> unit_relay_progress "<test case>"   plays that one again
//   SHOAL_SIMULATION_ROUNDS=<n>                                      instead of the usual number
//   SHOAL_SIMULATION_FIGURES=1                                       prints what was in them

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/support/dice.hpp"

namespace shoal::test {

inline std::uint64_t simulation_setting(const char* name, std::uint64_t otherwise)
{
    const char* const given = std::getenv(name);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

template <class Outcome>
struct lives {
    Outcome all{};
    std::uint64_t played = 0;
    /// Of the first one in which that happened; 0: none.
    std::uint64_t violated = 0;
};

/// Until `what`, a number of a life's outcome, is not 0 in one.
template <class Life, class Without, class What>
auto play_many(std::uint64_t most, Without left_out, What what)
{
    lives<decltype(std::declval<Life&>().run())> made;
    fast_dice seeds{std::random_device{}()};
    const auto one = simulation_setting("SHOAL_SIMULATION_SEED", 0);
    if (one != 0) most = 1;
    while (made.played < most && made.violated == 0) {
        const auto seed = one != 0 ? one : seeds.next();
        const auto life = Life{seed, left_out}.run();
        ++made.played;
        made.all.add(life);
        if (std::invoke(what, life) > 0) made.violated = seed;
    }
    return made;
}

/// Fails the test when no life of so many shows that something was left out.
template <class Life, class Without, class What>
void require_violation(std::uint64_t most, Without left_out, What what)
{
    const auto made = play_many<Life>(most, left_out, what);
    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0) WARN("found in life " << made.played);
    INFO("the rule was left out, and no life of " << made.played << " shows it");
    REQUIRE(made.violated != 0);
}

}  // namespace shoal::test
