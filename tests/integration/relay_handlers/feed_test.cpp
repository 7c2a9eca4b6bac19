#include "services/relay/handlers/feed.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include "common/purge_log/keys.hpp"
#include "tests/integration/relay_handlers/world.hpp"

using namespace shoal;
using namespace shoal::relay;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

constexpr auto* make_slot = "SELECT pg_create_logical_replication_slot('shoal', 'pgoutput')";
constexpr auto* voided = "shoal_relay_voided_total";

/// Its tags' bytes.
constexpr auto* largest_entry =
    "EVAL \"local most=0;"
    "for _,e in ipairs(redis.call('XRANGE','{cache}:purge:log','-','+'))do most=math.max(most,#e[2][4]+#e[2][6])end;"
    "return most\" 0";

/// Microseconds.
constexpr auto* age_of_claim =
    "EVAL \"local t,c=redis.call('TIME'),redis.call('HGET','{cache}:purge:relay','claim');"
    "return t[1]*1000000+t[2]-c\" 0";

std::string times(int number)
{
    return std::string{voided} + " " + std::to_string(number);
}

bool is_free(const feed_world& of, const std::string& slot)
{
    return of.database.sql("SELECT active FROM pg_replication_slots WHERE slot_name = '" + slot + "'") == "f";
}

std::size_t count(const std::string& text, const std::string& part)
{
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

}  // namespace

TEST_CASE("feed: what a transaction changes is purged, and then claimed and confirmed", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    const auto before = world.entries();
    world.database.sql("INSERT INTO item VALUES (1)");
    const auto committed = parse_lsn(world.database.sql("SELECT pg_current_wal_lsn()"));
    world.until_claimed();
    CHECK(world.entries() > before);
    world.until([&] { return world.at(one).now().done >= committed; });
    CHECK(world.noted("position") >= format_lsn(*committed));
    CHECK(parse_lsn(world.noted("purged")) >= committed);
}

TEST_CASE("feed: a large transaction keeps Redis from nothing, and the relay from nothing", "[relay]")
{
    feed_world world;
    world.redis_timeout = redis::options{}.command_timeout;
    const auto one = world.add(
        world.settings("shoal", "postgres",
                       {{"rules", {{{"table", "public.item"}, {"tags", {"item:{id}"}}, {"most_rows", 100'000}}}}}));
    world.until_active(one);
    world.database.sql("INSERT INTO item SELECT generate_series(1, 100000)");
    const auto committed = parse_lsn(world.database.sql("SELECT pg_current_wal_lsn()"));
    world.until([&] { return world.at(one).now().done >= committed; });
    CHECK(world.entries() >= 100);
    CHECK(world.redis.ask(largest_entry) == ":" + std::to_string(coherence::most_entry_bytes) + "\r");
}

TEST_CASE("feed: a claim waits for what is seen though it was not flushed", "[relay]")
{
    // Else it would be flushed, and sent, some time later.
    feed_world world{{"wal_writer_delay=10s"}};
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    world.until_claimed();
    for (int i = 0; i < 3; ++i) {
        const auto before = world.entries();
        world.database.sql("SET synchronous_commit = off; INSERT INTO item VALUES (" + std::to_string(i) + ")");
        world.until_claimed();
        CHECK(world.entries() > before);
    }
}

TEST_CASE("feed: a time is claimed as soon as it is proven", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    world.until_claimed();
    // Sooner than another one is asked for, whatever else the machine does at times.
    world.until([&] {
        const auto age = world.redis.ask(age_of_claim);
        return std::stoll(age.substr(1)) < 80'000;
    });
}

TEST_CASE("feed: a relay that lags all the time claims times that are as long ago", "[relay]")
{
    feed_world world;
    world.redis_timeout = std::chrono::seconds{10};
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    std::atomic<bool> over = false;
    // Each write takes most of a second, and what can be seen when one begins is in the next.
    std::thread slow{[&] {
        while (!over) world.redis.ask("DEBUG SLEEP 0.6");
    }};
    std::thread busy{[&] {
        for (int i = 0; !over; ++i) world.database.sql("INSERT INTO item VALUES (" + std::to_string(i) + ")");
    }};
    int claims = 0;
    auto last = world.at(one).now().current_at;
    const auto limit = boot_clock::now() + std::chrono::seconds{20};
    world.until([&] {
        if (std::exchange(last, world.at(one).now().current_at) < last) ++claims;
        return claims >= 3 || boot_clock::now() > limit;
    });
    over = true;
    slow.join();
    busy.join();
    CHECK(claims >= 3);
    CHECK(world.metric(one, "shoal_relay_connections_total") == "shoal_relay_connections_total 1");
}

TEST_CASE("feed: a transaction that goes on and on keeps nothing from being claimed", "[relay]")
{
    feed_world world{{"wal_writer_delay=10s"}};
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    connection other{world.loop(one)};
    const auto begun =
        world.await(one, other.connect({.target = world.database.target(), .password_file = {}, .application = {}},
                                       connection::kind::sql, std::chrono::seconds{5}));
    REQUIRE(begun.has_value());
    for (int i = 0; i < 3; ++i) {
        REQUIRE(world
                    .await(one, other.query(i == 0 ? "BEGIN; INSERT INTO item VALUES (1)" : "UPDATE item SET t = 'x'",
                                            std::chrono::seconds{5}))
                    .has_value());
        world.until_claimed();
    }
}

TEST_CASE("feed: one that stands by goes to another database as soon as that is chosen", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    const auto two = world.add(world.settings("shoal"));
    world.until([&] { return world.at(two).now().as == role::standby; });
    world.at(two).choose(world.settings("shoal", "nowhere"));
    world.until([&] { return world.at(two).now().why.find("nowhere") != std::string::npos; });
    CHECK(world.at(two).now().as == role::disconnected);

    world.database.sql("CREATE DATABASE other");
    world.database.sql("CREATE TABLE item (id int PRIMARY KEY); CREATE PUBLICATION shoal FOR TABLE item", "other");
    world.at(two).choose(world.settings("elsewhere", "other"));
    world.until_active(two);
    CHECK(world.at(two).now().source.ends_with("/other"));
    CHECK(world.noted("source").find("/other/elsewhere/") != std::string::npos);
}

TEST_CASE("feed: a slot that is chosen by one that stands by goes on from its own position", "[relay]")
{
    feed_world world;
    world.database.sql("SELECT pg_create_logical_replication_slot('older', 'pgoutput')");
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    world.database.sql("INSERT INTO item VALUES (1)");
    world.until_claimed();
    const auto two = world.add(world.settings("shoal"));
    world.until([&] { return world.at(two).now().as == role::standby; });
    const auto older =
        parse_lsn(world.database.sql("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'older'"));
    world.at(two).choose(world.settings("older"));
    lsn first = 0;
    world.until([&] {
        const auto now = world.at(two).now();
        if (now.as != role::active) return false;
        first = now.done;
        return true;
    });
    CHECK(first == older);
}

TEST_CASE("feed: a slot that was made anew while nobody had it voids what is cached", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    const auto two = world.add(world.settings("shoal"));
    world.until([&] { return world.at(two).now().as == role::standby; });
    world.until_claimed();
    world.pause(two);
    world.at(one).stop();
    world.until([&] { return world.tasks(one) <= 1 && is_free(world, "shoal"); });
    world.database.sql("SELECT pg_drop_replication_slot('shoal')");
    world.database.sql("INSERT INTO item VALUES (1)");
    world.database.sql(make_slot);
    world.resume(two);
    world.until_active(two);
    CHECK(world.metric(two, voided) == times(1));
}

TEST_CASE("feed: one that takes over goes on where the other was, and voids nothing", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    CHECK(world.metric(one, voided) == times(1));
    const auto two = world.add(world.settings("shoal"));
    world.until([&] { return world.at(two).now().as == role::standby; });
    world.database.sql("INSERT INTO item VALUES (1)");
    world.until_claimed();
    world.at(one).stop();
    world.until_active(two);
    CHECK(world.metric(two, voided) == times(0));
}

TEST_CASE("feed: a log that begins anew is attached to at once, and voids nothing another time", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    world.until_claimed();
    const auto before = world.noted("epoch");
    world.redis.ask("DEL {cache}:purge:log");
    world.until([&] { return world.noted("epoch") != before && world.at(one).now().as == role::active; });
    CHECK(world.metric(one, voided) == times(2));
    world.until_claimed();
    const auto two = world.add(world.settings("shoal"));
    world.at(one).stop();
    world.until_active(two);
    CHECK(world.metric(two, voided) == times(0));
}

TEST_CASE("feed: stop() while it is connecting, standing by or following leaves no task", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    const auto two = world.add(world.settings("shoal"));
    world.until([&] { return world.at(two).now().as == role::standby; });
    world.database.signal(SIGSTOP);
    const auto three = world.add(world.settings("shoal"));
    world.until_claimed();
    const auto all = world.tasks(three);
    for (const auto each : {one, two, three}) world.at(each).stop();
    // Sooner than a database that says nothing is given up.
    const auto limit = boot_clock::now() + std::chrono::seconds{2};
    world.until([&] { return world.tasks(three) < all || boot_clock::now() > limit; });
    CHECK(boot_clock::now() < limit);
    world.database.signal(SIGCONT);
    world.until([&] { return is_free(world, "shoal"); });
    CHECK(world.at(one).now().as == role::disconnected);
}

TEST_CASE("feed: other rules chosen at any moment of an attempt are those it then follows by", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    // At each turn of the loop on the way there is another moment.
    for (int turns = 0; turns < 60; turns += 2) {
        CAPTURE(turns);
        world.at(one).choose(world.settings("first"));
        world.turn_times(turns);
        world.at(one).choose(world.settings("second"));
        world.until([&] {
            return world.at(one).now().as == role::active &&
                   world.noted("source").find("/second/") != std::string::npos;
        });
    }
}

TEST_CASE("feed: one that stands by leaves nothing in the database's log", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    const auto two = world.add(world.settings("shoal"));
    world.until([&] { return world.at(two).now().as == role::standby; });
    // It looks for the slot meanwhile, several times.
    for (int i = 0; i < 6; ++i) world.until_claimed();
    CHECK(world.at(two).now().as == role::standby);
    CHECK(count(world.database.said(), "ERROR") == 0);
}

TEST_CASE("feed: a database that refuses it is asked more and more rarely", "[relay]")
{
    feed_world world;
    const auto began = boot_clock::now();
    world.add(world.settings("shoal", "postgres", {{"postgres", world.database.target() + " user=stranger"}}));
    world.until([&] { return count(world.database.said(), R"(FATAL:  role "stranger" does not exist)") >= 5; });
    CHECK(boot_clock::now() - began >= std::chrono::milliseconds{125 + 250 + 500 + 1000});
}

TEST_CASE("feed: one that waits for a slot to be made says what for", "[relay]")
{
    feed_world world;
    const auto idle = world.add(world.settings("elsewhere"));
    world.until_active(idle);
    connection other{world.loop(idle)};
    const auto ask = [&](const char* sql) {
        REQUIRE(world.await(idle, other.query(sql, std::chrono::seconds{5})).has_value());
    };
    REQUIRE(world
                .await(idle, other.connect({.target = world.database.target(), .password_file = {}, .application = {}},
                                           connection::kind::sql, std::chrono::seconds{5}))
                .has_value());
    ask("BEGIN; INSERT INTO item VALUES (1)");
    const auto one = world.add(world.settings("shoal"));
    world.until([&] { return world.at(one).now().why.starts_with("making slot shoal, which waits"); });
    world.until([&] { return world.database.sql("SELECT count(*) FROM pg_replication_slots") == "2"; });
    const auto two = world.add(world.settings("shoal"));
    world.until([&] { return world.at(two).now().why.starts_with("slot shoal is being made, which waits"); });
    CHECK(world.at(two).now().as == role::standby);
    ask("COMMIT");
    world.until([&] { return world.at(one).now().as == role::active || world.at(two).now().as == role::active; });
    world.until([&] { return world.at(one).now().why.empty() && world.at(two).now().why.empty(); });
}

TEST_CASE("feed: each time it loses the slot is logged, whatever the reason was before", "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    for (std::size_t times = 1; times <= 4; ++times) {
        CAPTURE(times);
        world.until_claimed();
        world.database.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots");
        world.until([&] { return count(world.logged(one), "the relay is not attached") == times; });
        world.until_active(one);
    }
}

TEST_CASE(
    "feed: rules that a schema ceases to fit are followed no more, and what is cached is void once they fit again",
    "[relay]")
{
    feed_world world;
    const auto one = world.add(world.settings("shoal"));
    world.until_active(one);
    world.until_claimed();
    const auto refused = [&] {
        return world.at(one).now().as == role::disconnected && world.at(one).now().why.starts_with("rules[0]: ");
    };
    // Told with the next change.
    world.database.sql("INSERT INTO item VALUES (1)");
    world.until_claimed();
    world.database.sql("ALTER TABLE item RENAME COLUMN id TO number");
    const auto began = boot_clock::now();
    world.database.sql("INSERT INTO item VALUES (2)");
    world.until(refused);
    CHECK(boot_clock::now() - began < 4s);
    world.database.sql("ALTER TABLE item RENAME COLUMN number TO id");
    world.until_active(one);
    CHECK(world.metric(one, voided) == times(2));
    // Nobody is told of this.
    world.database.sql("ALTER TABLE item REPLICA IDENTITY NOTHING");
    world.until(refused);
    world.database.sql("ALTER TABLE item REPLICA IDENTITY DEFAULT");
    world.until_active(one);
    CHECK(world.metric(one, voided) == times(3));
}

TEST_CASE("feed: a replica that is not there keeps what was purged from being claimed, and is named", "[relay]")
{
    feed_world world;
    const auto chosen = std::make_shared<settings>(*world.settings("shoal"));
    chosen->replicas = {"replica1"};
    const auto one = world.add(chosen);
    const auto why = "it waits for replica replica1, which is not connected to the primary";
    world.until([&] { return world.at(one).now().why == why; });
    CHECK(world.at(one).now().as == role::disconnected);
    CHECK(world.noted("claim").empty());
}
