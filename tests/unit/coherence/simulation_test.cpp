// Promise 1 of the cache.

#include "tests/unit/coherence/simulation.hpp"

#include <catch2/catch.hpp>

using namespace shoal::test;

TEST_CASE("promise: no answer is older than a purge that was acknowledged before its request began",
          "[cache][property]")
{
    const auto made = play_many(simulation_setting("SHOAL_SIMULATION_ROUNDS", 100'000), what_if::as_built);
    CAPTURE(made.played, made.violated);
    REQUIRE(made.violated == 0);

    const auto& all = made.all;
    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0)
        WARN("answers " << all.answers << ", of L1 " << all.first_level << ", of L2 " << all.second_level << ", stale "
                        << all.stale << ", followed " << all.followed << ", again " << all.fetched_again
                        << ", validated " << all.validated << ", purges acknowledged " << all.acknowledged
                        << ", with members fenced " << all.fenced << ", joins " << all.joins << ", gaps " << all.gaps);
    if (made.played < 1000) return;
    // Each of it happens often enough to mean something.
    const auto lives = static_cast<int>(made.played);
    CHECK(all.answers > 10 * lives);
    CHECK(all.first_level > lives);
    CHECK(all.second_level > lives / 10);
    CHECK(all.stale > lives / 10);
    CHECK(all.followed > lives / 10);
    CHECK(all.fetched_again > lives / 100);
    CHECK(all.validated > lives / 10);
    CHECK(all.acknowledged > lives);
    CHECK(all.fenced > lives / 10);
    CHECK(all.joins > 2 * lives);
    CHECK(all.gaps > lives / 100);
}
