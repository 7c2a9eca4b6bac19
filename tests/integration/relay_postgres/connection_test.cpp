#include "services/relay/postgres/connection.hpp"

#include <catch2/catch.hpp>

#include <poll.h>

#include <chrono>
#include <csignal>

#include "tests/integration/relay_postgres/world.hpp"
#include "tests/support/temp_folder.hpp"

using namespace shoal;
using namespace shoal::relay;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

using kind = connection::kind;

class session : public postgres_world {
public:
    session() { REQUIRE(await(to.connect(settings(), kind::sql, 5s)).has_value()); }

    result<table> ask(const std::string& sql) { return await(to.query(sql, 10s)); }

    connection to{loop};
};

void until_asleep(session& with)
{
    with.until([] {
        return the_server().sql(
                   "SELECT count(*) FROM pg_stat_activity "
                   "WHERE state = 'active' AND query = 'SELECT pg_sleep(60)'") == "1";
    });
}

void require_no_connection(const database_settings& with, const std::string& why)
{
    postgres_world world;
    connection to{world.loop};
    const auto made = world.await(to.connect(with, kind::sql, 5s));
    REQUIRE(made.has_error());
    CHECK(made.error() == errc::database_lost);
    CHECK_THAT(to.why(), Catch::Contains(why));
    CHECK(to.why().find('\n') == std::string::npos);
    CHECK_FALSE(to.open());
}

}  // namespace

TEST_CASE("database connection: it says why there is none", "[relay]")
{
    const temp_folder empty;
    require_no_connection(
        {.target = "host=" + empty.file("") + " dbname=postgres", .password_file = {}, .application = {}},
        "No such file or directory");
    require_no_connection(postgres_world::settings("nothing"), "database \"nothing\" does not exist");
    auto without_file = postgres_world::settings();
    without_file.password_file = empty.file("password");
    require_no_connection(without_file, empty.file("password"));
}

TEST_CASE("database connection: after one that failed there is another", "[relay]")
{
    postgres_world world;
    connection to{world.loop};
    REQUIRE(world.await(to.connect(postgres_world::settings("nothing"), kind::sql, 5s)).has_error());
    REQUIRE(world.await(to.connect(postgres_world::settings(), kind::sql, 5s)).has_value());
    CHECK(to.open());
    CHECK(to.why().empty());
}

TEST_CASE("database connection: of several statements the last one's rows come, NULL as nothing", "[relay]")
{
    session with;
    const auto found = with.ask("SELECT 1; SELECT 'a', NULL, 3 UNION ALL SELECT '', 'b', 4 ORDER BY 3");
    REQUIRE(found.has_value());
    CHECK(*found == table{{"a", "", "3"}, {"", "b", "4"}});
    CHECK(with.ask("SET search_path = pg_catalog").value().empty());
    CHECK(with.ask("SHOW client_encoding").value() == table{{"UTF8"}});
}

TEST_CASE("database connection: what is refused is told with its SQLSTATE, and the session goes on", "[relay]")
{
    session with;
    const auto found = with.ask("SELECT 1/0");
    REQUIRE(found.has_error());
    CHECK(found.error() == errc::database_refused);
    CHECK(with.to.state() == "22012");
    CHECK_THAT(with.to.why(), Catch::Contains("division by zero"));
    // What was wrong before is nothing that is wrong now.
    CHECK(with.ask("SELECT 2").value() == table{{"2"}});
    CHECK(with.to.why().empty());
    CHECK(with.to.state().empty());
}

TEST_CASE("database connection: an answer that takes longer than one's patience ends it", "[relay]")
{
    session with;
    const auto found = with.await(with.to.query("SELECT pg_sleep(60)", 20ms));
    REQUIRE(found.has_error());
    CHECK(found.error() == errc::database_lost);
    CHECK_THAT(with.to.why(), Catch::Contains("did not answer in time"));
    CHECK_FALSE(with.to.open());
    CHECK(with.ask("SELECT 1").error() == errc::database_lost);
}

TEST_CASE("database connection: an answer that is there when the loop turns again is in time", "[relay]")
{
    session with;
    std::optional<result<table>> found;
    with.spawn(with.to.query("SELECT 1", 50ms), found);
    with.loop.poll();
    // The loop stands still, as under a long computation.
    ::poll(nullptr, 0, 100);
    with.until([&found] { return found.has_value(); });
    with.loop.poll();
    REQUIRE(found->has_value());
    CHECK(with.to.open());
    CHECK(with.ask("SELECT 2").value() == table{{"2"}});
}

TEST_CASE("database connection: a server that takes connections and says nothing ends one's patience", "[relay]")
{
    postgres_world world;
    connection to{world.loop};
    the_server().signal(SIGSTOP);
    const auto made = world.await(to.connect(postgres_world::settings(), kind::sql, 20ms));
    the_server().signal(SIGCONT);
    REQUIRE(made.has_error());
    CHECK_THAT(to.why(), Catch::Contains("did not answer in time"));
}

TEST_CASE("database connection: close() ends a query that waits, and it can connect again", "[relay]")
{
    session with;
    std::optional<result<table>> found;
    with.spawn(with.to.query("SELECT pg_sleep(60)", 60s), found);
    until_asleep(with);
    with.to.close();
    with.until([&found] { return found.has_value(); });
    CHECK(found->error() == errc::database_lost);
    REQUIRE(with.await(with.to.connect(postgres_world::settings(), kind::sql, 5s)).has_value());
    CHECK(with.ask("SELECT 1").value() == table{{"1"}});
}

TEST_CASE("database connection: close() ends a connection that is being made", "[relay]")
{
    postgres_world world;
    connection to{world.loop};
    std::optional<result<void>> made;
    const auto where = postgres_world::settings();
    the_server().signal(SIGSTOP);
    world.spawn(to.connect(where, kind::sql, 60s), made);
    world.until([&to] { return to.open(); });
    to.close();
    world.until([&made] { return made.has_value(); });
    the_server().signal(SIGCONT);
    CHECK(made->error() == errc::database_lost);
    CHECK_FALSE(to.open());
}

TEST_CASE("database connection: a session that the server ends says so", "[relay]")
{
    session with;
    const auto pid = with.ask("SELECT pg_backend_pid()").value().at(0).at(0);
    std::optional<result<table>> found;
    with.spawn(with.to.query("SELECT pg_sleep(60)", 60s), found);
    until_asleep(with);
    the_server().sql("SELECT pg_terminate_backend(" + pid + ")");
    with.until([&found] { return found.has_value(); });
    REQUIRE(found->has_error());
    CHECK_THAT(with.to.why(), Catch::Contains("terminating connection"));
    CHECK(with.ask("SELECT 1").error() == errc::database_lost);
    CHECK_FALSE(with.to.open());
}

TEST_CASE("database connection: question and answer may be larger than a socket's buffers", "[relay]")
{
    session with;
    std::string large;
    large.resize(20'000'000, 'x');
    const auto found = with.ask("SELECT '" + large + "'");
    REQUIRE(found.has_value());
    CHECK((*found)[0][0] == large);
}

TEST_CASE("database connection: a target with a password is refused, and one that is none", "[relay]")
{
    CHECK(refuse_target("host=/run dbname=shop user=shoal").empty());
    CHECK(refuse_target("postgresql://shoal@db/shop").empty());
    CHECK_THAT(refuse_target("host=/run password=secret"), Catch::Contains("password_file"));
    CHECK_THAT(refuse_target("postgresql://shoal:secret@db/shop"), Catch::Contains("password_file"));
    CHECK_THAT(refuse_target("dbname=shop sslpassword=secret"), Catch::Contains("sslpassword"));
    CHECK_THAT(refuse_target("postgresql://shoal@db/shop?sslpassword=secret"), !Catch::Contains("secret"));
    CHECK_FALSE(refuse_target("postgresql://shoal@db/shop?sslpassword=secret").empty());
    CHECK_FALSE(refuse_target("host").empty());
    CHECK_FALSE(refuse_target("hots=/run").empty());
}
