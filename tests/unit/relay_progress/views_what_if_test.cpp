// Each rule of views, of tokens and of standbys is needed: without it, a random life soon has what must not be.

#include <catch2/catch.hpp>

#include "tests/unit/relay_progress/model_views_life.hpp"
#include "tests/unit/relay_progress/simulation.hpp"

using namespace shoal::test;

namespace {

template <class What>
void require_violation(left_out of, What what)
{
    shoal::test::require_violation<views_life>(50'000, of, what);
}

}  // namespace

TEST_CASE("what if what a standby lacks were purged for good", "[relay][what-if]")
{
    require_violation(left_out::waiting_for_replicas, &views_outcome::old_page);
    require_violation(left_out::waiting_for_replicas, &views_outcome::kept_stale);
}

TEST_CASE("what if everything were void before standbys have what was missed", "[relay][what-if]")
{
    require_violation(left_out::voiding_after_replicas, &views_outcome::old_page);
    require_violation(left_out::voiding_after_replicas, &views_outcome::kept_stale);
}

TEST_CASE("what if a position counted as purged before the last write", "[relay][what-if]")
{
    require_violation(left_out::purged_with_the_last_write, &views_outcome::old_page);
}

TEST_CASE("what if a worker took over positions before the purges", "[relay][what-if]")
{
    require_violation(left_out::applying_before_purged, &views_outcome::old_page);
    require_violation(left_out::applying_before_purged, &views_outcome::old_view);
}

TEST_CASE("what if a token that is known counted before its purges are applied", "[relay][what-if]")
{
    require_violation(left_out::applying_before_tokens, &views_outcome::old_page);
}

TEST_CASE("what if each query of a round had a snapshot of its own", "[relay][what-if]")
{
    require_violation(left_out::one_snapshot, &views_outcome::halves);
}

TEST_CASE("what if a round did not wait for the stream", "[relay][what-if]")
{
    require_violation(left_out::stream_of_the_snapshot, &views_outcome::halves);
}

TEST_CASE("what if each view were written by a script of its own", "[relay][what-if]")
{
    require_violation(left_out::one_script, &views_outcome::halves);
}

TEST_CASE("what if a view's entries were not purged where they are kept", "[relay][what-if]")
{
    require_violation(left_out::purges_of_entries, &views_outcome::old_view);
    require_violation(left_out::purges_of_entries, &views_outcome::kept_stale);
}

TEST_CASE("what if what was received counted as viewed", "[relay][what-if]")
{
    require_violation(left_out::viewed_when_written, &views_outcome::viewed_falsely);
}

TEST_CASE("what if a relay that lost the slot could write", "[relay][what-if]")
{
    require_violation(left_out::fence, &views_outcome::went_back);
}

TEST_CASE("what if a fill wrote what it had listed", "[relay][what-if]")
{
    require_violation(left_out::recomputing_what_is_listed, &views_outcome::went_back);
}

TEST_CASE("what if a view were ready before the last key of its fill", "[relay][what-if]")
{
    require_violation(left_out::ready_with_the_last, &views_outcome::claimed_falsely);
}

TEST_CASE("what if keys were listed before the relay has attached", "[relay][what-if]")
{
    require_violation(left_out::listing_after_attaching, &views_outcome::differs);
}

TEST_CASE("what if a fill that another relay began counted as whole", "[relay][what-if]")
{
    require_violation(left_out::listing_again, &views_outcome::differs);
}

TEST_CASE("what if a view that is void kept its entries", "[relay][what-if]")
{
    require_violation(left_out::new_generation, &views_outcome::claimed_falsely);
}

TEST_CASE("what if views went on although the slot stands further", "[relay][what-if]")
{
    require_violation(left_out::comparing_positions, &views_outcome::differs);
}

TEST_CASE("what if a position were written under an epoch that nobody attached under", "[relay][what-if]")
{
    require_violation(left_out::epoch_of_positions, &views_outcome::differs);
}

TEST_CASE("what if views were written under an epoch that nobody attached under", "[relay][what-if]")
{
    require_violation(left_out::epoch_of_views, &views_outcome::differs);
}

TEST_CASE("what if a relay attached under another epoch than it took the fence under", "[relay][what-if]")
{
    require_violation(left_out::epoch_of_attaching, [](const views_outcome& life) { return life.violations(); });
}

TEST_CASE("what if views claimed a time before they have caught up", "[relay][what-if]")
{
    require_violation(left_out::catching_up_of_views, &views_outcome::claimed_falsely);
}

TEST_CASE("what if views claimed what pages claim", "[relay][what-if]")
{
    require_violation(left_out::claims_of_their_own, &views_outcome::claimed_falsely);
}
