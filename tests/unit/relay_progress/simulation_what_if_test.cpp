// Each rule of the relay is needed: without it, a random life soon has what must not be.

#include <catch2/catch.hpp>

#include "tests/unit/relay_progress/model_relay.hpp"
#include "tests/unit/relay_progress/simulation.hpp"

using namespace shoal::test;

namespace {

void require_violation(without of, int relay_outcome::*what)
{
    shoal::test::require_violation<relay_life>(20'000, of, what);
}

}  // namespace

TEST_CASE("what if nothing were written again once it can be seen", "[relay][what-if]")
{
    require_violation(without::second_write, &relay_outcome::stale);
    require_violation(without::second_write, &relay_outcome::claimed_falsely);
}

TEST_CASE("what if PostgreSQL were told after the first write", "[relay][what-if]")
{
    require_violation(without::confirming_after_second, &relay_outcome::confirmed_early);
    require_violation(without::confirming_after_second, &relay_outcome::stale);
}

TEST_CASE("what if transactions were seen in the order of the log", "[relay][what-if]")
{
    require_violation(without::visibility_of_each, &relay_outcome::stale);
    require_violation(without::visibility_of_each, &relay_outcome::confirmed_early);
}

TEST_CASE("what if a write without an answer counted", "[relay][what-if]")
{
    require_violation(without::outcome_of_writes, &relay_outcome::stale);
}

TEST_CASE("what if a claim did not wait until the relay has caught up", "[relay][what-if]")
{
    require_violation(without::catching_up_before_claims, &relay_outcome::claimed_falsely);
}

TEST_CASE("what if a look from before the clock was read proved a claim", "[relay][what-if]")
{
    require_violation(without::looking_after_the_clock, &relay_outcome::claimed_falsely);
}

TEST_CASE("what if all that can be seen were taken to be flushed", "[relay][what-if]")
{
    require_violation(without::asynchronous_commits, &relay_outcome::claimed_falsely);
}
