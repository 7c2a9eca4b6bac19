// What the relay promises, whatever happens to it.

#include "tests/unit/relay_progress/simulation.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/relay_progress/model_relay.hpp"

using namespace shoal::test;

TEST_CASE("promise: nothing kept stays older than the database, nothing is confirmed or claimed before it is so",
          "[relay][property]")
{
    const auto made = play_many<relay_life>(simulation_setting("SHOAL_SIMULATION_ROUNDS", 5000), without::nothing,
                                            &relay_outcome::violations);
    const auto& all = made.all;
    CAPTURE(made.played, made.violated, all.stale, all.confirmed_early, all.claimed_falsely, all.stuck);
    REQUIRE(made.violated == 0);

    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0)
        WARN("transactions " << all.transactions << ", seen out of order " << all.seen_out_of_order
                             << ", before they were flushed " << all.seen_unflushed << ", crashes " << all.crashes
                             << ", failed writes " << all.failed_writes << ", claims " << all.claims << ", confirmed "
                             << all.confirmed << ", kept " << all.kept);
    if (made.played < 1000) return;
    // Each of it happens often enough to mean something.
    const auto lives = static_cast<int>(made.played);
    CHECK(all.transactions > 5 * lives);
    CHECK(all.seen_out_of_order > lives / 2);
    CHECK(all.seen_unflushed > lives / 10);
    CHECK(all.crashes > lives);
    CHECK(all.failed_writes > lives / 2);
    CHECK(all.claims > lives / 2);
    CHECK(all.confirmed > lives);
    CHECK(all.kept > 2 * lives);
}
