// The worker's copy of the purge log, on a clock that the test moves.

#include "common/coherence/log_follower.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::coherence;
using namespace std::chrono_literals;

namespace {

constexpr boot_time start{1h};
constexpr lease_terms terms{1s, 20ms};

std::string packed(const std::vector<bucket>& buckets)
{
    std::string made;
    for (const auto each : buckets) append_bucket(made, each);
    return made;
}

log_head head(std::uint64_t epoch, std::uint64_t sequence, boot_time sent = start)
{
    return {sent, sent + 1ms, {epoch, sequence}};
}

struct entries {
    entries(std::uint64_t epoch, std::uint64_t first, const std::vector<bucket>& each)
    {
        for (const auto which : each) buckets.push_back(packed({which}));
        for (const auto& text : buckets) made.push_back({{epoch, first++}, text, {}});
    }

    std::vector<std::string> buckets;
    std::vector<log_entry> made;
};

log_follower joined_at(std::uint64_t epoch, std::uint64_t sequence)
{
    log_follower made{terms, 4};
    made.begin_join(head(epoch, sequence));
    REQUIRE(made.end_join());
    return made;
}

standing judged(const log_follower& by, const stamp& of, tag which)
{
    return by.judge(of, std::vector{which});
}

}  // namespace

TEST_CASE("log follower: before the log was ever read, nothing is current and nothing can be stored", "[cache]")
{
    const log_follower fresh{terms, 4};
    CHECK_FALSE(fresh.current(boot_time::min()));
    CHECK_FALSE(fresh.current(start));
    CHECK(fresh.position() == stamp{});
    CHECK(fresh.judge({}, {}) == standing::purged);
    CHECK(fresh.judge({7, 1}, {}) == standing::purged);
}

TEST_CASE("log follower: a lease runs from when its renewal was sent, less the margin", "[cache]")
{
    auto log = joined_at(7, 3);
    CHECK_FALSE(log.current(start));
    REQUIRE(log.renewed({start, start + 500ms, {7, 3}}, {}) == log_follower::next::wait);
    CHECK(log.current(start + 979ms));
    CHECK_FALSE(log.current(start + 980ms));
    // One that was sent earlier and answered later takes nothing away.
    REQUIRE(log.renewed(head(7, 3, start - 100ms), {}) == log_follower::next::wait);
    CHECK(log.current(start + 979ms));
}

TEST_CASE("log follower: there is no lease before all is applied that the renewal's reply knew of", "[cache]")
{
    auto log = joined_at(7, 3);
    const entries first{7, 4, {1, 2}};
    REQUIRE(log.renewed(head(7, 8), first.made) == log_follower::next::again);
    CHECK(log.position() == stamp{7, 5});
    CHECK_FALSE(log.current(start));
    const entries rest{7, 6, {3, 4, 5}};
    REQUIRE(log.renewed(head(7, 8, start + 5ms), rest.made) == log_follower::next::wait);
    CHECK(log.current(start + 5ms));
}

TEST_CASE("log follower: entries count once, in order, and of this epoch", "[cache]")
{
    auto log = joined_at(7, 3);
    const entries some{7, 3, {1, 2, 3}};
    CHECK_FALSE(log.apply(some.made[0]));
    CHECK_FALSE(log.apply(some.made[2]));
    CHECK(log.apply(some.made[1]));
    CHECK_FALSE(log.apply(some.made[1]));
    const entries of_other{8, 5, {4}};
    CHECK_FALSE(log.apply(of_other.made[0]));
    CHECK(log.position() == stamp{7, 4});
    CHECK(judged(log, {7, 3}, 1) == standing::current);
    CHECK(judged(log, {7, 3}, 2) == standing::purged);
    CHECK(judged(log, {7, 3}, 4) == standing::current);

    // What came by another way meanwhile is no gap.
    const entries again{7, 4, {2}};
    CHECK(log.renewed(head(7, 9), again.made) == log_follower::next::again);
}

TEST_CASE("log follower: a gap ends the lease, and makes everything void until the table is loaded", "[cache]")
{
    auto log = joined_at(7, 3);
    REQUIRE(log.renewed(head(7, 3), {}) == log_follower::next::wait);
    REQUIRE(log.current(start));
    const bool nothing = GENERATE(true, false);
    const entries later{7, 6, {1}};
    REQUIRE(log.renewed(head(7, 6), nothing ? std::vector<log_entry>{} : later.made) == log_follower::next::join);
    CHECK_FALSE(log.current(start));
    CHECK(log.position() == stamp{});
    CHECK(judged(log, {7, 3}, 9) == standing::purged);

    log.begin_join(head(7, 6));
    std::string table(9 * cell_bytes + 4, '\0');
    table[9 * cell_bytes + 3] = 5;
    log.load(0, table);
    CHECK(judged(log, {7, 3}, 2) == standing::purged);
    REQUIRE(log.end_join());
    CHECK_FALSE(log.current(start));
    CHECK(judged(log, {7, 3}, 9) == standing::purged);
    CHECK(judged(log, {7, 3}, 2) == standing::current);
    CHECK(judged(log, {7, 5}, 9) == standing::current);
}

TEST_CASE("log follower: a table of parts is the table", "[cache]")
{
    log_follower log{terms, 4};
    REQUIRE(log.table_size() == 16 * cell_bytes);
    std::string table(log.table_size(), '\0');
    table[15 * cell_bytes + 2] = 1;
    table[2 * cell_bytes + 7] = 9;
    log.begin_join(head(7, 300));
    for (std::size_t offset = 0; offset < table.size(); offset += 40) log.load(offset, table.substr(offset, 40));
    REQUIRE(log.end_join());
    CHECK(judged(log, {7, 255}, 15) == standing::purged);
    CHECK(judged(log, {7, 256}, 15) == standing::current);
    CHECK(judged(log, {7, 8}, 2) == standing::softly_purged);
    CHECK(judged(log, {7, 9}, 2) == standing::current);
    CHECK(judged(log, {7, 0}, 3) == standing::current);
}

TEST_CASE("log follower: another epoch makes everything void at once, whoever names it", "[cache]")
{
    auto log = joined_at(7, 3);
    REQUIRE(log.renewed(head(7, 3), {}) == log_follower::next::wait);
    SECTION("a renewal's reply")
    {
        CHECK(log.renewed(head(8, 0), {}) == log_follower::next::join);
    }
    SECTION("a purge's reply")
    {
        log.heard_of(8, start);
    }
    CHECK_FALSE(log.current(start));
    CHECK(log.position() == stamp{});
    CHECK(log.known_epoch() == 8);
    CHECK(judged(log, {7, 3}, 1) == standing::purged);

    // An older reply that comes late does not bring it back.
    CHECK(log.renewed(head(7, 3), {}) == log_follower::next::join);
    log.begin_join(head(7, 3));
    CHECK_FALSE(log.end_join());
    log.begin_join(head(8, 0));
    CHECK(log.end_join());
    CHECK(judged(log, {7, 3}, 1) == standing::purged);
    CHECK(judged(log, {8, 0}, 1) == standing::current);
}

TEST_CASE("log follower: an epoch that ends during the join is not joined", "[cache]")
{
    log_follower log{terms, 4};
    log.begin_join(head(7, 3));
    log.heard_of(8, start);
    CHECK_FALSE(log.end_join());
    CHECK_FALSE(log.joined());
}

TEST_CASE("log follower: reports count a lease and a margin after the epoch was first heard of", "[cache]")
{
    auto log = joined_at(7, 3);
    CHECK(log.reports_count_from() == start + 1ms + 1020ms);
    REQUIRE(log.renewed(head(7, 3, start + 5s), {}) == log_follower::next::wait);
    CHECK(log.reports_count_from() == start + 1ms + 1020ms);
    log.heard_of(9, start + 8s);
    CHECK(log.reports_count_from() == start + 8s + 1020ms);
}

TEST_CASE("log follower: what was purged hard is purged, whatever else was softly", "[cache]")
{
    auto log = joined_at(7, 0);
    const auto hard = packed({1});
    const auto soft = packed({1, 2});
    REQUIRE(log.apply({{7, 1}, hard, {}}));
    REQUIRE(log.apply({{7, 2}, {}, soft}));
    CHECK(log.judge({7, 0}, std::vector<tag>{2, 1}) == standing::purged);
    CHECK(log.judge({7, 0}, std::vector<tag>{1, 2}) == standing::purged);
    CHECK(log.judge({7, 0}, std::vector<tag>{3, 2}) == standing::softly_purged);
    CHECK(log.judge({7, 1}, std::vector<tag>{1}) == standing::softly_purged);
    CHECK(log.judge({7, 2}, std::vector<tag>{1, 2}) == standing::current);
    CHECK(log.judge({7, 0}, {}) == standing::current);
}

TEST_CASE("log follower: tags that share a bucket are purged together", "[cache]")
{
    auto log = joined_at(7, 0);
    const auto shared = packed({bucket_of(0xabc5, 4)});
    REQUIRE(log.apply({{7, 1}, shared, {}}));
    CHECK(judged(log, {7, 0}, 0x1235) == standing::purged);
    CHECK(judged(log, {7, 0}, 0x1236) == standing::current);
}

TEST_CASE("log follower: a relay's word counts from when the renewal was sent, less its age, once all is applied",
          "[cache]")
{
    auto log = joined_at(7, 4);
    CHECK(log.relayed_at() == boot_time::min());
    auto reply = head(7, 6, start + 1s);
    reply.relay = {.age = 30ms, .views_age = 50ms, .purged = 90, .viewed = 80};
    const entries one{7, 5, {1}};
    CHECK(log.renewed(reply, one.made) == log_follower::next::again);
    CHECK(log.relayed_at() == boot_time::min());
    CHECK(log.viewed_at() == boot_time::min());
    CHECK(log.purged() == 0);
    CHECK(log.viewed() == 0);
    const entries other{7, 6, {2}};
    CHECK(log.renewed(reply, other.made) == log_follower::next::wait);
    CHECK(log.relayed_at() == start + 970ms);
    CHECK(log.viewed_at() == start + 950ms);
    CHECK(log.purged() == 90);
    CHECK(log.viewed() == 80);
    // Of time, one that was sent earlier or that knows of none takes nothing back.
    reply.sent = start + 500ms;
    CHECK(log.renewed(reply, {}) == log_follower::next::wait);
    CHECK(log.renewed(head(7, 6, start + 2s), {}) == log_follower::next::wait);
    CHECK(log.relayed_at() == start + 970ms);
    CHECK(log.viewed_at() == start + 950ms);
}

TEST_CASE("log follower: a position in the database's log is the one that the relay said last, also a smaller one",
          "[cache]")
{
    auto log = joined_at(7, 0);
    auto reply = head(7, 0);
    for (const lsn each : {lsn{90}, lsn{70}, lsn{0}}) {
        reply.relay = {.purged = each, .viewed = each / 2};
        CHECK(log.renewed(reply, {}) == log_follower::next::wait);
        CHECK(log.purged() == each);
        CHECK(log.viewed() == each / 2);
    }
}
