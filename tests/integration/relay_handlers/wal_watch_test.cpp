#include "services/relay/handlers/wal_watch.hpp"

#include <catch2/catch.hpp>

#include <string>

#include "tests/integration/relay_handlers/world.hpp"

using namespace shoal;
using namespace shoal::relay;
using namespace shoal::test;

namespace {

constexpr std::uint64_t budget = 16 << 20;

void write_more_than_the_budget(const feed_world& of)
{
    for (int i = 0; i < 3; ++i) of.database.sql("SELECT pg_logical_emit_message(true, 'test', repeat('x', 8000000))");
}

bool has_looked(const feed_world& of)
{
    return of.database.sql(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'shoal % watch' AND state = 'idle' "
               "AND query LIKE '%FROM pg_replication_slots%'") == "1";
}

}  // namespace

TEST_CASE("wal watch: a slot beyond its budget is dropped although a relay has it, and made anew", "[relay]")
{
    feed_world world;
    const auto chosen = world.settings("shoal", "postgres", {{"wal_budget", "16mb"}});
    const auto one = world.add(chosen);
    world.until_active(one);
    world.database.sql("CREATE TABLE before AS SELECT restart_lsn FROM pg_replication_slots");
    write_more_than_the_budget(world);
    const auto& watch = world.watch(one, chosen);
    world.until([&] { return watch.retained() >= budget; });
    world.until([&] { return watch.retained() < budget && world.at(one).now().as == role::active; });
    CHECK(world.metric(one, "shoal_relay_voided_total") == "shoal_relay_voided_total 2");
    // It has not gone back to the old one meanwhile.
    CHECK(world.metric(one, "shoal_relay_connections_total") == "shoal_relay_connections_total 2");
    CHECK(world.database.sql("SELECT s.restart_lsn > b.restart_lsn FROM pg_replication_slots s, before b") == "t");
}

TEST_CASE("wal watch: the slot of another database is neither counted nor dropped", "[relay]")
{
    feed_world world;
    world.database.sql("CREATE DATABASE other");
    world.database.sql("SELECT pg_create_logical_replication_slot('shoal', 'pgoutput')", "other");
    const auto chosen = world.settings("shoal", "postgres", {{"wal_budget", "16mb"}});
    const auto one = world.add(chosen);
    write_more_than_the_budget(world);
    const auto& watch = world.watch(one, chosen);
    world.until([&] { return has_looked(world); });
    CHECK(watch.retained() == 0);
    CHECK(world.database.sql("SELECT slot_name, database FROM pg_replication_slots") == "shoal|other");
    world.until([&] { return world.at(one).now().why == "slot shoal is of another database"; });
}
