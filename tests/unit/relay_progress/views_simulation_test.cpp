// What the relay promises of views, of what a client names that it wrote, and of standbys, whatever happens.

#include "tests/unit/relay_progress/simulation.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/relay_progress/model_views_life.hpp"

using namespace shoal::test;

TEST_CASE("promise: views are whole, go never back and are no older than they are said to be, and so are pages",
          "[relay][property]")
{
    const auto made = play_many<views_life>(simulation_setting("SHOAL_SIMULATION_ROUNDS", 3000), left_out::nothing,
                                            &views_outcome::violations);
    const auto& all = made.all;
    CAPTURE(made.played, made.violated, all.old_page, all.old_view, all.viewed_falsely, all.went_back, all.halves,
            all.claimed_falsely, all.differs, all.kept_stale, all.stuck);
    REQUIRE(made.violated == 0);

    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0)
        WARN("lives " << made.played << ", transactions " << all.transactions << ", takeovers " << all.takeovers
                      << ", in a fill " << all.takeovers_in_fill << ", views that went on " << all.went_on
                      << ", everything void " << all.voided << ", late scripts " << all.late << ", Redis began again "
                      << all.restarts << ", rounds " << all.rounds << ", filled " << all.filled << ", claims "
                      << all.claims << ", asked after a write " << all.asked_after << ", read from a standby "
                      << all.from_replica);
    if (made.played < 1000) return;
    // Each of it happens often enough to mean something.
    const auto lives = static_cast<int>(made.played);
    CHECK(all.transactions > 5 * lives);
    CHECK(all.takeovers > 2 * lives);
    CHECK(all.takeovers_in_fill > lives / 4);
    CHECK(all.went_on > lives);
    CHECK(all.voided > lives);
    CHECK(all.late > lives / 2);
    CHECK(all.restarts > lives / 2);
    CHECK(all.rounds > 4 * lives);
    CHECK(all.filled > lives);
    CHECK(all.claims > lives);
    CHECK(all.asked_after > lives);
    CHECK(all.from_replica > lives);
}
