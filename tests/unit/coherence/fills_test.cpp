// What may be done with a response that is on its way, validated, stale, or put together.

#include "common/coherence/fills.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "common/coherence/log_follower.hpp"

using namespace shoal;
using namespace shoal::coherence;
using namespace std::chrono_literals;

namespace {

constexpr boot_time start{1h};

/// A worker that holds a lease from `start`, and what is purged there.
struct worker_log {
    worker_log()
    {
        log.begin_join({start, start, {7, 0}});
        REQUIRE(log.end_join());
        REQUIRE(log.renewed({start, start, {7, 0}}, {}) == log_follower::next::wait);
    }
    void purge(bucket which, bool soft = false)
    {
        std::string packed;
        append_bucket(packed, which);
        const stamp at{7, log.position().sequence + 1};
        REQUIRE(log.apply(soft ? log_entry{at, {}, packed} : log_entry{at, packed, {}}));
    }

    log_follower log{lease_terms{}, 4};
};

const std::vector<tag> tags{1, 2};

}  // namespace

TEST_CASE("fills: with a lease any fill may be shared, and the position is noted", "[cache]")
{
    worker_log at;
    const auto fill = at.log.position();
    at.purge(9);
    const auto holder = join_fill(at.log, start + 1ms, start, start - 5ms);
    REQUIRE(holder);
    CHECK(holder->joined == stamp{7, 1});
    CHECK(follow_fill(at.log, fill, *holder, tags) == standing::current);
    at.purge(2);
    // The second purge must not hide the first.
    CHECK(follow_fill(at.log, fill, *holder, tags) == standing::purged);
}

TEST_CASE("fills: one that was sent after the request began needs no proof", "[cache]")
{
    worker_log at;
    const bool sent_later = GENERATE(true, false);
    const auto holder =
        join_fill(at.log, start + 1h, start, sent_later ? std::optional{start} : std::optional<boot_time>{});
    REQUIRE(holder);
    CHECK_FALSE(holder->joined);
    at.purge(1);
    CHECK(follow_fill(at.log, {7, 0}, *holder, tags) == standing::current);
}

TEST_CASE("fills: without a lease only those may be shared that were sent after the request began", "[cache]")
{
    worker_log at;
    CHECK_FALSE(join_fill(at.log, start + 1h, start + 1h, start));
    CHECK(join_fill(at.log, start + 1h, start + 1h, start + 1h));
}

TEST_CASE("fills: a purge after joining is none of the follower's", "[cache]")
{
    worker_log at;
    at.purge(1);
    const auto fill = at.log.position();
    const auto holder = join_fill(at.log, start + 1ms, start + 1ms, start);
    at.purge(1);
    CHECK(follow_fill(at.log, fill, *holder, tags) == standing::current);
}

TEST_CASE("fills: who joined after a purge of a tag fetches again, softly or not, or when the epoch is over", "[cache]")
{
    worker_log at;
    const auto fill = at.log.position();
    SECTION("soft")
    {
        at.purge(2, true);
        const auto holder = join_fill(at.log, start + 1ms, start + 1ms, start);
        CHECK(follow_fill(at.log, fill, *holder, tags) == standing::softly_purged);
    }
    SECTION("hard")
    {
        at.purge(2);
        const auto holder = join_fill(at.log, start + 1ms, start + 1ms, start);
        CHECK(follow_fill(at.log, fill, *holder, tags) == standing::purged);
    }
    SECTION("the log is being read anew when the head comes")
    {
        at.purge(9);
        const auto holder = join_fill(at.log, start + 1ms, start + 1ms, start);
        at.log.heard_of(8, start);
        CHECK(follow_fill(at.log, fill, *holder, tags) == standing::purged);
    }
}

TEST_CASE("fills: after a hard purge, and without a lease, a 304 needs a strong validator", "[cache]")
{
    worker_log at;
    for (const auto of : {standing::current, standing::softly_purged, standing::purged})
        for (const auto now : {start, start + 1h}) CHECK(may_validate(at.log, now, of, true));
    CHECK(may_validate(at.log, start, standing::current, false));
    CHECK(may_validate(at.log, start, standing::softly_purged, false));
    CHECK_FALSE(may_validate(at.log, start, standing::purged, false));
    CHECK_FALSE(may_validate(at.log, start + 1h, standing::current, false));
}

TEST_CASE("fills: nothing purged is served stale, and nothing without a lease", "[cache]")
{
    worker_log at;
    CHECK(may_serve_stale(at.log, start, standing::current));
    CHECK(may_serve_stale(at.log, start, standing::softly_purged));
    CHECK_FALSE(may_serve_stale(at.log, start, standing::purged));
    CHECK_FALSE(may_serve_stale(at.log, start + 1h, standing::current));
}

TEST_CASE("fills: a response of pieces is as old as its oldest", "[cache]")
{
    CHECK(of_pieces({7, 3}, {7, 5}) == stamp{7, 3});
    CHECK(of_pieces({7, 5}, {7, 3}) == stamp{7, 3});
    CHECK(of_pieces({7, 5}, {8, 3}) == stamp{});
}
