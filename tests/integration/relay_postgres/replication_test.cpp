#include "services/relay/postgres/replication.hpp"

#include <catch2/catch.hpp>

#include "services/relay/protocol/decoder.hpp"
#include "tests/integration/relay_postgres/world.hpp"

using namespace shoal;
using namespace shoal::relay;
using namespace shoal::test;

namespace {

/// A table, a publication and a slot of the same name, for one test.
class stage : public postgres_world {
public:
    explicit stage(const std::string& named) : name{named}
    {
        the_server().sql("CREATE TABLE " + name + " (id int PRIMARY KEY, t text); CREATE PUBLICATION " + name +
                         " FOR TABLE " + name + "; SELECT pg_create_logical_replication_slot('" + name +
                         "', 'pgoutput')");
    }

    std::string slot(const std::string& column) const
    {
        return the_server().sql("SELECT " + column + " FROM pg_replication_slots WHERE slot_name = '" + name + "'");
    }
    slot_state take(replication& with)
    {
        REQUIRE(await(with.connect(settings())).has_value());
        const auto state = await(with.start(name, name));
        REQUIRE(state.has_value());
        return *state;
    }
    /// The next message of a transaction.
    message next(replication& of)
    {
        for (;;) {
            const auto got = await(of.receive());
            REQUIRE(got.has_value());
            if (const auto* const one = std::get_if<log_data>(&*got)) {
                auto what = decode(one->payload);
                REQUIRE(what.has_value());
                return *std::move(what);
            }
        }
    }
    /// The first of its kind; views in it live until the next message.
    template <class Kind>
    Kind next_of(replication& of)
    {
        for (;;) {
            const auto what = next(of);
            if (const auto* const one = std::get_if<Kind>(&what)) return *one;
        }
    }
    boost::system::error_code end_of(replication& of)
    {
        for (;;) {
            const auto got = await(of.receive());
            if (!got) return got.error();
        }
    }

    std::string name;
};

}  // namespace

TEST_CASE("replication: a server says what it is", "[relay]")
{
    stage on{"identity"};
    replication stream{on.loop};
    const auto who = on.await(stream.connect(postgres_world::settings()));
    REQUIRE(who.has_value());
    CHECK(*who == the_server().sql("SELECT system_identifier FROM pg_control_system()") + "/1/postgres");
}

TEST_CASE("replication: transactions and messages come in their order, and what is confirmed may be forgotten",
          "[relay]")
{
    stage on{"ordered"};
    replication stream{on.loop};
    REQUIRE(on.take(stream) == slot_state::taken);
    the_server().sql(
        "BEGIN; INSERT INTO ordered VALUES (1, 'one'); SELECT pg_logical_emit_message(true, 'p', 'said');"
        "COMMIT");
    CHECK(on.next_of<begin>(stream).xid != 0);
    CHECK(on.next_of<relation>(stream).table == "ordered");
    CHECK(on.next_of<insert>(stream).now.at(1).text == "one");
    CHECK(on.next_of<emitted>(stream).content == "said");
    const auto end = on.next_of<commit>(stream).end;
    CHECK(on.slot("confirmed_flush_lsn") != format_lsn(end));
    REQUIRE(on.await(stream.confirm(end, end)).has_value());
    on.until([&] { return on.slot("confirmed_flush_lsn") == format_lsn(end); });
}

TEST_CASE("replication: what was not confirmed comes again to who has the slot next", "[relay]")
{
    stage on{"again"};
    replication first{on.loop};
    replication second{on.loop};
    REQUIRE(on.take(first) == slot_state::taken);
    the_server().sql("INSERT INTO again VALUES (1, 'one')");
    CHECK(on.next_of<insert>(first).now.at(0).text == "1");

    REQUIRE(on.take(second) == slot_state::in_use);
    first.close();
    std::optional<result<slot_state>> state;
    on.until([&] {
        state = on.await(second.start(on.name, on.name));
        return *state == slot_state::taken;
    });
    CHECK(on.next_of<insert>(second).now.at(0).text == "1");
}

TEST_CASE("replication: no slot of that name is no slot in use", "[relay]")
{
    stage on{"present"};
    replication stream{on.loop};
    REQUIRE(on.await(stream.connect(postgres_world::settings())).has_value());
    const auto started = on.await(stream.start("absent", "present"));
    REQUIRE(started.has_error());
    CHECK(started.error() == errc::database_refused);
    CHECK_THAT(stream.why(), Catch::Contains("replication slot \"absent\" does not exist"));
    CHECK(on.await(stream.start("present", "present")).value() == slot_state::taken);
}

TEST_CASE("replication: a publication's name may have quotes and commas", "[relay]")
{
    stage on{"quoted"};
    the_server().sql(R"(ALTER PUBLICATION quoted RENAME TO "an, ""odd"" one's")");
    replication stream{on.loop};
    REQUIRE(on.await(stream.connect(postgres_world::settings())).has_value());
    REQUIRE(on.await(stream.start("quoted", "an, \"odd\" one's")).has_value());
    the_server().sql("INSERT INTO quoted VALUES (7)");
    CHECK(on.next_of<insert>(stream).now.at(0).text == "7");
}

TEST_CASE("replication: an error in mid-stream is told as the server puts it", "[relay]")
{
    stage on{"erring"};
    replication stream{on.loop};
    REQUIRE(on.take(stream) == slot_state::taken);
    the_server().sql("DROP PUBLICATION erring");
    the_server().sql("INSERT INTO erring VALUES (1)");
    CHECK(on.end_of(stream) == errc::database_lost);
    CHECK_THAT(stream.why(), Catch::Contains("publication \"erring\" does not exist"));
    CHECK(on.end_of(stream) == errc::database_lost);
}

TEST_CASE("replication: a sender that is ended, and close() while one waits", "[relay]")
{
    stage on{"ended"};
    replication stream{on.loop};
    REQUIRE(on.take(stream) == slot_state::taken);
    the_server().sql("SELECT pg_terminate_backend(" + on.slot("active_pid") + ")");
    CHECK(on.end_of(stream) == errc::database_lost);
    CHECK_THAT(stream.why(), Catch::Contains("terminating connection"));

    on.until([&] { return on.slot("active") == "f"; });
    REQUIRE(on.take(stream) == slot_state::taken);
    std::optional<boost::system::error_code> end;
    const auto wait = [](replication& of) -> boost::asio::awaitable<boost::system::error_code> {
        for (;;) {
            const auto got = co_await of.receive();
            if (!got) co_return got.error();
        }
    };
    on.spawn(wait(stream), end);
    on.loop.poll();
    stream.close();
    on.until([&end] { return end.has_value(); });
    CHECK(*end == errc::database_lost);
    on.until([&] { return on.slot("active") == "f"; });
}

TEST_CASE("replication: a message of 20 MB comes whole", "[relay]")
{
    stage on{"large"};
    replication stream{on.loop};
    REQUIRE(on.take(stream) == slot_state::taken);
    the_server().sql("INSERT INTO large VALUES (1, repeat('x', 20000000))");
    const auto came = on.next_of<insert>(stream);
    CHECK(came.now.at(1).text.size() == 20'000'000);
    CHECK(came.now.at(1).text.find_first_not_of('x') == std::string_view::npos);
}

TEST_CASE("replication: more messages than are taken in one go come each once", "[relay]")
{
    stage on{"many"};
    replication stream{on.loop};
    REQUIRE(on.take(stream) == slot_state::taken);
    the_server().sql("INSERT INTO many SELECT n FROM generate_series(1, 1000) n");
    for (int n = 1; n <= 1000; ++n) REQUIRE(on.next_of<insert>(stream).now.at(0).text == std::to_string(n));
}

TEST_CASE("replication: a server that is killed loses the stream, and it goes on from what was confirmed", "[relay]")
{
    stage on{"killed"};
    replication stream{on.loop};
    REQUIRE(on.take(stream) == slot_state::taken);
    the_server().sql("INSERT INTO killed VALUES (1)");
    CHECK(on.next_of<insert>(stream).now.at(0).text == "1");
    the_server().kill();
    CHECK(on.end_of(stream) == errc::database_lost);
    CHECK_FALSE(stream.why().empty());
    CHECK(on.await(stream.confirm(1, 1)).error() == errc::database_lost);

    the_server().start();
    REQUIRE(on.take(stream) == slot_state::taken);
    CHECK(on.next_of<insert>(stream).now.at(0).text == "1");
}
