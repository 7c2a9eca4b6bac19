// Each rule of coherence is needed: without it, a random life soon serves what was purged. (The lock between workers is
// no such rule: nothing here has one.)

#include <catch2/catch.hpp>

#include "tests/unit/coherence/simulation.hpp"

using namespace shoal::test;

namespace {

void require_violation(what_if left_out, plan_maker make = random_plan, std::uint64_t most = 30'000)
{
    const auto made = play_many(most, left_out, make);
    if (simulation_setting("SHOAL_SIMULATION_FIGURES", 0) != 0) WARN("found in life " << made.played << " of " << most);
    INFO("the rule was left out, and no life of " << made.played << " shows it");
    REQUIRE(made.violated != 0);
}

/// Rare ones.
constexpr std::uint64_t many = 150'000;

}  // namespace

TEST_CASE("what if nothing were left out of the lives that are made for one rule", "[cache][what-if]")
{
    const plan_maker make = GENERATE(flooded_plan, slow_plan, forgetful_plan, interrupted_plan);
    const auto made = play_many(300, what_if::as_built, make);
    CAPTURE(made.violated);
    REQUIRE(made.violated == 0);
}

TEST_CASE("what if a lease ran from the reply", "[cache][what-if]")
{
    require_violation(what_if::lease_from_reply, slow_plan, many);
}

TEST_CASE("what if a lease were checked against the loop's time", "[cache][what-if]")
{
    require_violation(what_if::lease_by_stale_clock, forgetful_plan);
}

TEST_CASE("what if members were places, not processes", "[cache][what-if]")
{
    require_violation(what_if::members_are_places);
}

TEST_CASE("what if a lease were granted before all is applied that its renewal knew of", "[cache][what-if]")
{
    require_violation(what_if::lease_before_all_is_applied, flooded_plan, 2000);
}

TEST_CASE("what if a renewal did not register again who was forgotten", "[cache][what-if]")
{
    require_violation(what_if::renewal_does_not_register, slow_plan, many);
}

TEST_CASE("what if a purge were acknowledged when it is written", "[cache][what-if]")
{
    require_violation(what_if::acknowledged_at_once);
}

TEST_CASE("what if a purge waited for leases from when it was sent", "[cache][what-if]")
{
    require_violation(what_if::fenced_from_sending, slow_plan, many);
}

TEST_CASE("what if members were pruned by Redis' clock", "[cache][what-if]")
{
    require_violation(what_if::members_pruned_by_server_clock);
}

TEST_CASE("what if a fenced member were forgotten though it has renewed", "[cache][what-if]")
{
    require_violation(what_if::forgotten_though_renewed, interrupted_plan);
}

TEST_CASE("what if a member that is gone were not waited for", "[cache][what-if]")
{
    require_violation(what_if::gone_members_not_awaited, interrupted_plan);
}

TEST_CASE("what if only a head below one's position told of lost writes", "[cache][what-if]")
{
    require_violation(what_if::run_not_compared, interrupted_plan);
}

TEST_CASE("what if who knows a newer epoch did not force another one", "[cache][what-if]")
{
    require_violation(what_if::newer_epoch_not_forced);
}

TEST_CASE("what if epochs were only counted while the clock is behind", "[cache][what-if]")
{
    require_violation(what_if::epochs_only_counted, forgetful_plan);
}

TEST_CASE("what if reports of another epoch counted", "[cache][what-if]")
{
    require_violation(what_if::reports_of_any_epoch, interrupted_plan);
}

TEST_CASE("what if reports counted from the beginning of an epoch", "[cache][what-if]")
{
    require_violation(what_if::acknowledged_quickly_in_new_epoch);
}

TEST_CASE("what if the second level kept no epoch", "[cache][what-if]")
{
    require_violation(what_if::second_level_without_epoch);
}

TEST_CASE("what if the table had only tags of what is present", "[cache][what-if]")
{
    require_violation(what_if::only_present_tags);
}

TEST_CASE("what if a join only emptied the memory", "[cache][what-if]")
{
    require_violation(what_if::join_without_table);
}

TEST_CASE("what if the head were read after the table", "[cache][what-if]")
{
    require_violation(what_if::head_read_after_table, slow_plan);
}

TEST_CASE("what if gaps in the log were not seen", "[cache][what-if]")
{
    require_violation(what_if::gaps_not_seen);
}

TEST_CASE("what if who shares a fill took whatever comes", "[cache][what-if]")
{
    require_violation(what_if::followers_not_judged);
}

TEST_CASE("what if only a purge between fill and joining counted", "[cache][what-if]")
{
    require_violation(what_if::second_purge_hides_first);
}

TEST_CASE("what if any fill were joined without a lease", "[cache][what-if]")
{
    require_violation(what_if::joined_without_lease);
}

TEST_CASE("what if a response were stamped when it comes", "[cache][what-if]")
{
    require_violation(what_if::stamped_at_reply);
}

TEST_CASE("what if a 304 were stamped when it comes", "[cache][what-if]")
{
    require_violation(what_if::validated_stamped_at_reply);
}

TEST_CASE("what if a 304 renewed whatever is kept", "[cache][what-if]")
{
    require_violation(what_if::validated_renews_any);
}

TEST_CASE("what if a weak validator counted after a hard purge", "[cache][what-if]")
{
    require_violation(what_if::weak_validators_after_purge);
}

TEST_CASE("what if a weak validator counted without a lease", "[cache][what-if]")
{
    require_violation(what_if::weak_validators_without_lease, slow_plan);
}

TEST_CASE("what if what was purged were served stale", "[cache][what-if]")
{
    require_violation(what_if::purged_served_stale);
}

TEST_CASE("what if stale responses were served without a lease", "[cache][what-if]")
{
    require_violation(what_if::stale_without_lease);
}
