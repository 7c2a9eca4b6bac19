// The purge log on the real Redis.

#include "common/purge_log/purge_log.hpp"

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "common/coherence/tags.hpp"
#include "tests/integration/purge_log/fleet.hpp"

using namespace shoal;
using namespace shoal::coherence;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

tag article(std::uint64_t number)
{
    return tag_of(tag_kind::surrogate, "", "article-" + std::to_string(number));
}

standing judged(purge_fleet& of, std::size_t worker, const stamp& since, tag which)
{
    return of.at(worker).judge(since, std::vector{which});
}

std::int64_t members(purge_fleet& of)
{
    return *of.command({"HLEN", "{cache}:purge:members"}).integer();
}

}  // namespace

TEST_CASE("purge log: what was stored before a purge is purged at every worker that confirmed it", "[cache][purge]")
{
    purge_fleet fleet{3};
    fleet.settle();
    const auto before = fleet.at(0).position();
    REQUIRE(before.epoch != 0);
    const auto made = fleet.purged(1, {article(1)});
    CHECK(made.at == stamp{before.epoch, before.sequence + 1});
    CHECK(made.confirmed == names{"cache-0", "cache-1", "cache-2"});
    CHECK(made.fenced.empty());
    for (std::size_t i = 0; i < fleet.size(); ++i) {
        CHECK(fleet.at(i).position() == made.at);
        CHECK(judged(fleet, i, before, article(1)) == standing::purged);
        CHECK(judged(fleet, i, before, article(2)) == standing::current);
        CHECK(judged(fleet, i, made.at, article(1)) == standing::current);
        CHECK(fleet.at(i).current(boot_clock::now()));
    }
    CHECK(fleet.metric(1, "shoal_cache_purges_total") == "shoal_cache_purges_total 1");
    CHECK(fleet.metric(0, "shoal_cache_purge_position") == "shoal_cache_purge_position 1");
    CHECK(fleet.metric(0, "shoal_cache_lease_held") == "shoal_cache_lease_held 1");
    CHECK(fleet.metric(0, "shoal_cache_epochs_total") == "shoal_cache_epochs_total 1");
}

TEST_CASE("purge log: a soft purge is told apart from a hard one", "[cache][purge]")
{
    purge_fleet fleet{2};
    fleet.settle();
    const auto before = fleet.at(0).position();
    fleet.purged(0, {article(1)}, true);
    CHECK(judged(fleet, 1, before, article(1)) == standing::softly_purged);
    fleet.purged(1, {article(1)});
    CHECK(judged(fleet, 0, before, article(1)) == standing::purged);
}

TEST_CASE("purge log: purges that come at once share sequences, and none is lost", "[cache][purge]")
{
    purge_fleet fleet{4};
    fleet.settle();
    const auto before = fleet.at(0).position();
    constexpr std::size_t many = 2000;
    std::vector<std::optional<result<purge_receipt>>> made(many);
    const auto one = [](purge_log& at, purge what,
                        std::optional<result<purge_receipt>>& into) -> boost::asio::awaitable<void> {
        into.emplace(co_await at.acknowledge(std::move(what)));
    };
    for (std::size_t i = 0; i < many; ++i)
        fleet.spawn(i % 4, one(fleet.at(i % 4), {{article(i)}, i % 3 == 0}, made[i]));
    fleet.until(
        [&] { return std::all_of(made.begin(), made.end(), [](const auto& each) { return each.has_value(); }); });

    std::uint64_t last = 0;
    for (std::size_t i = 0; i < many; ++i) {
        REQUIRE(made[i]->has_value());
        last = std::max(last, made[i]->value().at.sequence);
        REQUIRE(made[i]->value().fenced.empty());
        for (std::size_t worker = 0; worker < 4; ++worker)
            REQUIRE(judged(fleet, worker, before, article(i)) != standing::current);
    }
    CHECK(last < before.sequence + many / 2);
}

TEST_CASE("purge log: a purge of more tags than an entry holds covers all of them", "[cache][purge]")
{
    purge_fleet fleet{2};
    const auto before = fleet.at(0).position();
    std::vector<tag> tags;
    for (std::uint64_t i = 0; i < 2500; ++i) tags.push_back(article(i));
    CHECK(fleet.purged(0, tags).at.sequence == before.sequence + 3);
    for (const tag each : tags) REQUIRE(judged(fleet, 1, before, each) == standing::purged);
}

TEST_CASE("purge log: a purge of nothing is acknowledged without a word to Redis", "[cache][purge]")
{
    purge_fleet fleet{1};
    const auto before = fleet.at(0).position();
    CHECK(fleet.purged(0, {}).at == before);
    CHECK(fleet.at(0).position() == before);
}

TEST_CASE("purge log: a worker that stands still is fenced when its lease has run out, and comes back",
          "[cache][purge]")
{
    purge_fleet fleet{3};
    fleet.settle();
    const auto before = fleet.at(2).position();
    fleet.pause(2);
    const auto made = fleet.purged(0, {article(1)});
    CHECK_FALSE(fleet.at(2).current(boot_clock::now()));
    CHECK(made.confirmed == names{"cache-0", "cache-1"});
    CHECK(made.fenced == names{"cache-2"});
    CHECK(made.took >= short_lease.lasts);

    // The next one does not wait for it again.
    fleet.until([&] { return members(fleet) == 2; });
    const auto next = fleet.purged(1, {article(2)});
    CHECK(next.confirmed == names{"cache-0", "cache-1"});
    CHECK(next.fenced.empty());

    fleet.resume(2);
    fleet.until_current(2);
    CHECK(judged(fleet, 2, before, article(1)) == standing::purged);
    CHECK(judged(fleet, 2, before, article(2)) == standing::purged);
    CHECK(fleet.purged(0, {article(3)}).confirmed == names{"cache-0", "cache-1", "cache-2"});
}

TEST_CASE("purge log: a worker that has left is not waited for", "[cache][purge]")
{
    purge_fleet fleet{3};
    fleet.settle();
    fleet.drain(2);
    CHECK_FALSE(fleet.at(2).current(boot_clock::now()));
    CHECK(fleet.at(2).position() == stamp{});
    const auto made = fleet.purged(0, {article(1)});
    CHECK(made.confirmed == names{"cache-0", "cache-1"});
    CHECK(made.fenced.empty());
}

TEST_CASE("purge log: a purge on its way does not wait for a worker that leaves", "[cache][purge]")
{
    purge_fleet fleet{3};
    fleet.settle();
    // It has not heard of the purge when it is told to leave.
    fleet.pause(2);
    const auto before = fleet.at(1).position().sequence;
    std::optional<result<purge_receipt>> done;
    const auto ask = [](purge_log& log, std::optional<result<purge_receipt>>& into) -> boost::asio::awaitable<void> {
        purge what{.tags = {7}, .soft = false};
        into.emplace(co_await log.acknowledge(std::move(what)));
    };
    fleet.spawn(0, ask(fleet.at(0), done));
    fleet.until([&] { return fleet.at(1).position().sequence > before; });
    CHECK_FALSE(done);
    fleet.resume(2);
    fleet.drain(2);
    fleet.until([&done] { return done.has_value(); });
    REQUIRE(done->has_value());
    CHECK(done->value().fenced.empty());
    CHECK(done->value().confirmed == names{"cache-0", "cache-1", "cache-2"});
    CHECK(fleet.purged(0, {8}).confirmed == names{"cache-0", "cache-1"});
    CHECK_FALSE(fleet.at(2).current(boot_clock::now()));
}

TEST_CASE("purge log: a worker that joins knows every purge of before", "[cache][purge]")
{
    purge_fleet fleet{2};
    fleet.settle();
    const auto before = fleet.at(0).position();
    std::uint64_t purged = 0;
    while (purged < 50) fleet.purged(purged % 2, {article(purged)}, purged % 5 == 0), ++purged;
    // More of them come while it loads the table.
    const auto joining = fleet.add();
    while (!fleet.at(joining).current(boot_clock::now())) fleet.purged(purged % 2, {article(purged)}), ++purged;
    CHECK(fleet.at(joining).position() == fleet.at(0).position());
    for (std::uint64_t i = 0; i < purged; ++i)
        CHECK(judged(fleet, joining, before, article(i)) ==
              (i < 50 && i % 5 == 0 ? standing::softly_purged : standing::purged));
    CHECK(judged(fleet, joining, before, article(purged)) == standing::current);
}

TEST_CASE("purge log: entries that are gone are made up for by the table", "[cache][purge]")
{
    purge_fleet fleet{2};
    fleet.settle();
    const auto before = fleet.at(1).position();
    fleet.pause(1);
    for (std::uint64_t i = 0; i < 3; ++i) fleet.purged(0, {article(i)});
    fleet.command({"XTRIM", "{cache}:purge:log", "MAXLEN", "=", "1"});
    fleet.resume(1);
    fleet.until([&] { return fleet.at(1).position() == fleet.at(0).position(); });
    fleet.until_current(1);
    for (std::uint64_t i = 0; i < 3; ++i) CHECK(judged(fleet, 1, before, article(i)) == standing::purged);
    CHECK(judged(fleet, 1, before, article(9)) == standing::current);
}

TEST_CASE("purge log: a member that has renewed since is not forgotten", "[cache][purge]")
{
    purge_fleet fleet{2};
    auto calls = fleet.calls(0);
    std::vector<acknowledgement::member> seen{{fleet.incarnation(1), "1 1 1 cache-1"}};
    REQUIRE(fleet.await(0, calls.forget(seen)).has_value());
    CHECK(members(fleet) == 2);
    fleet.pause(1);
    seen[0].report = *fleet.command({"HGET", "{cache}:purge:members", fleet.incarnation(1)}).text();
    REQUIRE(fleet.await(0, calls.forget(seen)).has_value());
    CHECK(members(fleet) == 1);
}

TEST_CASE("purge log: workers hear how long ago a relay said that everything is purged", "[cache][purge]")
{
    purge_fleet fleet{1};
    CHECK(fleet.at(0).relayed_at() == boot_time::min());
    const auto time = fleet.command({"TIME"});
    const auto claim = std::stoll(*(*time.array())[0].text()) * 1'000'000 + std::stoll(*(*time.array())[1].text());
    const auto before = boot_clock::now();
    (void)fleet.command({"HSET", "{cache}:purge:relay", "claim", std::to_string(claim - 2'000'000)});
    fleet.until([&] { return fleet.at(0).relayed_at() != boot_time::min(); });
    CHECK(fleet.at(0).relayed_at() <= before - 2s);
    CHECK(fleet.at(0).relayed_at() > before - 12s);
    // As after the server's clock was set back: a time to come is no word at all.
    const auto heard = fleet.at(0).relayed_at();
    (void)fleet.command({"HSET", "{cache}:purge:relay", "claim", std::to_string(claim + 3'600'000'000)});
    const auto until = boot_clock::now() + short_lease.lasts;
    fleet.until([&] { return boot_clock::now() > until; });
    CHECK(fleet.at(0).relayed_at() == heard);
}

TEST_CASE("purge log: workers hear up to where a relay has purged, and what it says of views", "[cache][purge]")
{
    purge_fleet fleet{1};
    fleet.settle();
    CHECK(fleet.at(0).purged() == 0);
    CHECK(fleet.at(0).viewed() == 0);
    CHECK(fleet.at(0).viewed_at() == boot_time::min());
    const auto time = fleet.command({"TIME"});
    const auto now = std::stoll(*(*time.array())[0].text()) * 1'000'000 + std::stoll(*(*time.array())[1].text());
    const auto before = boot_clock::now();
    (void)fleet.command({"HSET", "{cache}:purge:relay", "purged", "1/20", "viewed", "0/A0", "views_claim",
                         std::to_string(now - 2'000'000)});
    fleet.until([&] { return fleet.at(0).purged() != 0; });
    CHECK(fleet.at(0).purged() == 0x1'0000'0020);
    CHECK(fleet.at(0).viewed() == 0xA0);
    CHECK(fleet.at(0).viewed_at() <= before - 2s);
    CHECK(fleet.at(0).viewed_at() > before - 12s);
    CHECK(fleet.at(0).relayed_at() == boot_time::min());
}
