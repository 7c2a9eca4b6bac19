#include "services/relay/postgres/database.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

#include "tests/integration/relay_postgres/world.hpp"

using namespace shoal;
using namespace shoal::relay;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

class asking : public postgres_world {
public:
    explicit asking(const database_settings& where = settings()) { REQUIRE(await(to.connect(where)).has_value()); }

    std::string refused()
    {
        auto why = await(to.refuse());
        REQUIRE(why.has_value());
        return *std::move(why);
    }
    slot_facts slot(std::string_view name)
    {
        auto found = await(to.slot(name));
        REQUIRE(found.has_value());
        return *std::move(found);
    }
    sight look()
    {
        auto found = await(to.look());
        REQUIRE(found.has_value());
        return *std::move(found);
    }

    database to{loop};
};

}  // namespace

TEST_CASE("relay database: it says why a database can't be followed", "[relay]")
{
    asking of;
    CHECK(of.refused().empty());

    the_server().sql("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    asking of_bytes{postgres_world::settings("bytes")};
    CHECK_THAT(of_bytes.refused(), Catch::Contains("SQL_ASCII"));

    const postgres_server plain{{"wal_level=replica"}};
    asking of_plain{{.target = plain.target(), .password_file = {}, .application = {}}};
    CHECK_THAT(of_plain.refused(), Catch::Contains("wal_level is replica"));
}

TEST_CASE("relay database: it says what a slot is, and makes one", "[relay]")
{
    asking of;
    CHECK_FALSE(of.slot("facts").exists);
    REQUIRE(of.await(of.to.create_slot("facts")).has_value());
    const auto made = of.slot("facts");
    CHECK(made.exists);
    CHECK(made.unfit.empty());
    CHECK(format_lsn(made.confirmed) ==
          the_server().sql("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'facts'"));
    CHECK(of.await(of.to.create_slot("facts")).error() == errc::database_refused);
    CHECK_THAT(of.to.why(), Catch::Contains("already exists"));

    the_server().sql("SELECT pg_create_logical_replication_slot('facts_text', 'test_decoding')");
    CHECK_THAT(of.slot("facts_text").unfit, Catch::Contains("plugin test_decoding"));
    the_server().sql("SELECT pg_create_physical_replication_slot('facts_bytes')");
    CHECK_FALSE(of.slot("facts_bytes").unfit.empty());
    the_server().sql("CREATE DATABASE elsewhere");
    asking of_other{postgres_world::settings("elsewhere")};
    CHECK_THAT(of_other.slot("facts").unfit, Catch::Contains("of another database"));
}

TEST_CASE("relay database: only a slot that a relay of this database could have is counted or dropped", "[relay]")
{
    the_server().sql("CREATE DATABASE neighbour");
    the_server().sql("SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')", "neighbour");
    the_server().sql(
        "SELECT pg_create_logical_replication_slot('text', 'test_decoding');"
        "SELECT pg_create_physical_replication_slot('bytes', true);"
        "SELECT pg_create_logical_replication_slot('ours', 'pgoutput');"
        "SELECT pg_logical_emit_message(true, 'test', 'x')");
    asking of;
    for (const auto* const name : {"theirs", "text", "bytes"}) {
        CAPTURE(name);
        CHECK(of.await(of.to.retained(name)) == 0U);
        CHECK(of.await(of.to.drop_slot_that_keeps(name, 0)) == 0U);
        CHECK(of.await(of.to.drop_lost_slot(name)) == 0U);
        the_server().sql("SELECT pg_drop_replication_slot('" + std::string{name} + "')");
    }
    const auto kept = of.await(of.to.retained("ours"));
    REQUIRE(kept.has_value());
    CHECK(*kept > 0);
    CHECK(of.await(of.to.drop_slot_that_keeps("ours", *kept + (1 << 20))) == 0U);
    CHECK(of.await(of.to.drop_lost_slot("ours")) == 0U);
    CHECK(of.await(of.to.drop_slot_that_keeps("ours", *kept)) == 1U);
    CHECK_FALSE(of.slot("ours").exists);
}

TEST_CASE("relay database: a transaction is seen once it is committed, in whatever order they began", "[relay]")
{
    asking of;
    connection first{of.loop};
    connection second{of.loop};
    const auto xid_of = [&of](connection& to) {
        REQUIRE(of.await(to.connect(postgres_world::settings(), connection::kind::sql, 5s)).has_value());
        const auto begun = of.await(to.query("BEGIN; SELECT pg_current_xact_id()", 5s));
        REQUIRE(begun.has_value());
        return static_cast<std::uint32_t>(std::stoull(begun->at(0).at(0)));
    };
    const auto earlier = xid_of(first);
    const auto later = xid_of(second);
    CHECK_FALSE(of.look().seen.sees(earlier));
    CHECK_FALSE(of.look().seen.sees(later));
    REQUIRE(of.await(second.query("COMMIT", 5s)).has_value());
    CHECK_FALSE(of.look().seen.sees(earlier));
    CHECK(of.look().seen.sees(later));
    REQUIRE(of.await(first.query("COMMIT", 5s)).has_value());
    CHECK(of.look().seen.sees(earlier));
}

TEST_CASE("relay database: all that can be seen stands before the position of a look, flushed or not", "[relay]")
{
    const postgres_server lazy{{"wal_writer_delay=10s", "fsync=off"}};
    asking of{{.target = lazy.target(), .password_file = {}, .application = {}}};
    lazy.sql("CREATE TABLE t (id int)");
    const auto committed = lazy.sql(
        "SET synchronous_commit = off; INSERT INTO t VALUES (1);"
        "SELECT pg_current_wal_insert_lsn()");
    const auto found = of.look();
    REQUIRE(found.flushed < *parse_lsn(committed));
    CHECK(found.written >= *parse_lsn(committed));

    REQUIRE(of.await(of.to.push()).has_value());
    CHECK(of.look().flushed >= found.written);
}
