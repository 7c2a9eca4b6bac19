// Each rule of the relay is needed: without it, a random life soon has what must not be.

#include <catch2/catch.hpp>

#include "tests/unit/relay_progress/simulation.hpp"

using namespace shoal::test;

namespace {

void require_violation(without left_out, int (*what)(const relay_outcome&))
{
    const auto made = play_many(20'000, left_out, what);
    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0) WARN("found in life " << made.played);
    INFO("the rule was left out, and no life of " << made.played << " shows it");
    REQUIRE(made.violated != 0);
}

int stale(const relay_outcome& life)
{
    return life.stale;
}

int confirmed_early(const relay_outcome& life)
{
    return life.confirmed_early;
}

int claimed_falsely(const relay_outcome& life)
{
    return life.claimed_falsely;
}

}  // namespace

TEST_CASE("what if nothing were written again once it can be seen", "[relay][what-if]")
{
    require_violation(without::second_write, stale);
    require_violation(without::second_write, claimed_falsely);
}

TEST_CASE("what if PostgreSQL were told after the first write", "[relay][what-if]")
{
    require_violation(without::confirming_after_second, confirmed_early);
    require_violation(without::confirming_after_second, stale);
}

TEST_CASE("what if transactions were seen in the order of the log", "[relay][what-if]")
{
    require_violation(without::visibility_of_each, stale);
    require_violation(without::visibility_of_each, confirmed_early);
}

TEST_CASE("what if a write without an answer counted", "[relay][what-if]")
{
    require_violation(without::outcome_of_writes, stale);
}

TEST_CASE("what if a claim did not wait until the relay has caught up", "[relay][what-if]")
{
    require_violation(without::catching_up_before_claims, claimed_falsely);
}

TEST_CASE("what if a look from before the clock was read proved a claim", "[relay][what-if]")
{
    require_violation(without::looking_after_the_clock, claimed_falsely);
}

TEST_CASE("what if all that can be seen were taken to be flushed", "[relay][what-if]")
{
    require_violation(without::asynchronous_commits, claimed_falsely);
}
