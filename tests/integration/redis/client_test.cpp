// The client against the real Redis: restarts, lost data, a stopped process, a killed one.

#include "tests/support/redis_server.hpp"
#include "tests/support/resp_server.hpp"
#include "tests/unit/redis/fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <vector>

using namespace shoal;
using namespace shoal::test;
using namespace std::chrono_literals;
using redis::data_event;
using redis::value;

namespace {

redis::options patient(const std::string& unix_path)
{
    // A real server on a busy machine; its time-outs are not the point here.
    auto chosen = impatient(unix_path);
    chosen.connect_timeout = 2s;
    chosen.command_timeout = 500ms;
    return chosen;
}

struct real_fixture {
    redis_server server;
    boost::asio::io_context loop{1};
    client_fixture with{loop, patient(server.path())};
    std::vector<data_event> events;

    real_fixture()
    {
        with.client.on_data_event([this](data_event event) { events.push_back(event); });
        with.connect();
    }

    void reconnect()
    {
        const auto before = with.metric("shoal_redis_reconnects_total");
        REQUIRE(server.ask("CLIENT KILL TYPE normal").starts_with(":"));
        REQUIRE(with.until([&] { return with.metric("shoal_redis_reconnects_total") > before; }));
        REQUIRE(with.until([&] { return with.client.available(); }));
    }
};

}  // namespace

TEST_CASE_METHOD(real_fixture, "real Redis: commands and their types", "[redis]")
{
    const std::string binary{"\0\r\n\xff", 4};
    CHECK(*with.run({"SET", "k", binary}) == value{std::string{"OK"}});
    CHECK(*with.run({"GET", "k"}) == value{binary});
    CHECK(*with.run({"GET", "none"}) == value{redis::nil{}});
    CHECK(*with.run({"INCR", "n"}) == value{std::int64_t{1}});
    CHECK(*with.run({"MGET", "n", "none"}) == value{std::vector<value>{std::string{"1"}, redis::nil{}}});
    CHECK(with.run({"LPUSH", "n", "x"}).error() == errc::redis_error_reply);
    CHECK(with.client.available());
}

TEST_CASE("real Redis: ten thousand commands at once are answered each with its own", "[redis]")
{
    redis_server server;
    boost::asio::io_context loop{1};
    auto options = patient(server.path());
    options.command_timeout = 10s;
    client_fixture with{loop, options};
    with.connect();
    std::vector<call_ptr> calls;
    for (int i = 0; i < 10'000; ++i) calls.push_back(with.begin({"ECHO", std::to_string(i)}));
    REQUIRE(with.until([&] { return calls.back()->outcome.has_value(); }));
    for (std::size_t i = 0; i < calls.size(); ++i) {
        CAPTURE(i, *calls[i]->outcome);
        REQUIRE(calls[i]->returned(std::to_string(i)));
    }
}

TEST_CASE_METHOD(real_fixture, "real Redis: a script is loaded once and again after SCRIPT FLUSH", "[redis]")
{
    const redis::script code{"sum", "return {KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[2])}"};
    const value expected{std::vector<value>{std::string{"{k}"}, std::int64_t{5}}};
    CHECK(*with.eval(code, {"{k}"}, {"2", "3"}) == expected);
    CHECK(occurrences(with.logged(), "loading a script") == 1);

    CHECK(*with.eval(code, {"{k}"}, {"2", "3"}) == expected);
    CHECK(occurrences(with.logged(), "loading a script") == 1);

    REQUIRE(server.ask("SCRIPT FLUSH").starts_with("+OK"));
    CHECK(*with.eval(code, {"{k}"}, {"2", "3"}) == expected);
    CHECK(occurrences(with.logged(), "loading a script") == 2);
}

TEST_CASE_METHOD(real_fixture, "real Redis: a restart that keeps the data is told as restarted", "[redis]")
{
    REQUIRE(with.run({"SET", "k", "kept"}).has_value());
    const auto epoch = *with.run({"GET", "shoal:epoch"});
    server.shut_down();
    REQUIRE(with.until([&] { return !with.client.available(); }));
    CHECK(with.run({"GET", "k"}).error() == errc::redis_unavailable);

    server.start();
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(events == std::vector{data_event::restarted});
    CHECK(*with.run({"GET", "shoal:epoch"}) == epoch);
    CHECK(*with.run({"GET", "k"}) == value{std::string{"kept"}});
}

TEST_CASE_METHOD(real_fixture, "real Redis: flushed data is told as lost on the next connection", "[redis]")
{
    reconnect();
    CHECK(events.empty());
    REQUIRE(server.ask("FLUSHALL").starts_with("+OK"));
    reconnect();
    CHECK(events == std::vector{data_event::lost});
    reconnect();
    CHECK(events.size() == 1);
}

TEST_CASE_METHOD(real_fixture, "real Redis: workers that come to an empty Redis together agree on one epoch", "[redis]")
{
    REQUIRE(server.ask("FLUSHALL").starts_with("+OK"));
    std::vector<std::unique_ptr<client_fixture>> workers;
    for (int i = 0; i < 8; ++i) {
        workers.push_back(std::make_unique<client_fixture>(loop, patient(server.path())));
        workers.back()->client.start();
    }
    REQUIRE(with.until([&] {
        return std::all_of(workers.begin(), workers.end(), [](const auto& one) { return one->client.available(); });
    }));
    const auto epoch = with.run({"GET", "shoal:epoch"});
    REQUIRE(epoch->text() != nullptr);
    for (const auto& one : workers) CHECK(occurrences(one->logged(), *epoch->text()) == 1);
}

TEST_CASE_METHOD(real_fixture, "real Redis: a stopped one costs nothing after the first time-out, and recovers",
                 "[redis]")
{
    server.signal(SIGSTOP);
    CHECK(with.run({"INCR", "n"}).error() == errc::redis_outcome_unknown);
    CHECK_FALSE(with.client.available());

    std::vector<boot_clock::duration> took;
    for (int i = 0; i < 1000; ++i) {
        const auto refused = with.begin({"INCR", "n"});
        REQUIRE(with.until([&] { return refused->outcome.has_value(); }));
        CHECK(refused->ended_with(errc::redis_unavailable));
        took.push_back(refused->ended - refused->begun);
    }
    std::sort(took.begin(), took.end());
    CHECK(took[989] < 5ms);

    server.signal(SIGCONT);
    REQUIRE(with.until([&] { return with.client.available(); }));
    // What was sent before has run after all; what was refused never does.
    CHECK(*with.run({"GET", "n"}) == value{std::string{"1"}});
    CHECK(events.empty());
}

TEST_CASE_METHOD(real_fixture, "real Redis: one that stays stopped is dropped, and found again when it goes on",
                 "[redis]")
{
    server.signal(SIGSTOP);
    const auto unanswered = with.begin({"PING"});
    REQUIRE(with.until([&] { return occurrences(with.logged(), "lost the connection to Redis") == 1; }));
    CHECK(unanswered->ended_with(errc::redis_outcome_unknown));
    // At least one attempt hangs in its handshake.
    REQUIRE(with.until([&] { return occurrences(with.logged(), "Redis is not available") == 1; }));
    server.signal(SIGCONT);
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(*with.run({"PING"}) == value{std::string{"PONG"}});
    CHECK(events.empty());
}

TEST_CASE_METHOD(real_fixture, "real Redis: killed with commands in flight, each is unknown or answered", "[redis]")
{
    std::int64_t acknowledged = 0;
    int unknown = 0;
    int refused = 0;
    const auto increment = [&](redis::client& client) -> boost::asio::awaitable<void> {
        const std::array<std::string_view, 2> command{"INCR", "n"};
        for (int i = 0; i < 100; ++i) {
            const auto outcome = co_await client.command(command);
            if (outcome)
                ++acknowledged;
            else if (outcome.error() == errc::redis_outcome_unknown)
                ++unknown;
            else
                ++refused;
        }
    };
    const auto tasks = with.tasks.running();
    for (int i = 0; i < 100; ++i) with.tasks.spawn("increment", increment(with.client));
    REQUIRE(with.until([&] { return acknowledged >= 2000; }));
    // Stopped first, so that something is in flight for certain.
    server.signal(SIGSTOP);
    REQUIRE(with.until([&] { return loop.poll() == 0; }));
    server.kill();
    REQUIRE(with.until([&] { return with.tasks.running() == tasks; }));
    CHECK(acknowledged + unknown + refused == 10'000);
    CHECK(unknown > 0);
    CHECK(refused > 0);

    server.start();
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(events == std::vector{data_event::restarted});
}

TEST_CASE("real Redis: a password is asked for and given", "[redis]")
{
    redis_server server{{"--requirepass", "s3cr3t"}};
    boost::asio::io_context loop{1};
    auto options = patient(server.path());
    SECTION("the right one")
    {
        options.where.password = "s3cr3t";
        client_fixture with{loop, options};
        with.connect();
        CHECK(*with.run({"PING"}) == value{std::string{"PONG"}});
    }
    SECTION("a wrong one")
    {
        options.where.password = "wr0ng";
        client_fixture with{loop, options};
        with.client.start();
        REQUIRE(with.until([&] { return occurrences(with.logged(), "AUTH was refused: WRONGPASS") == 1; }));
        CHECK(occurrences(with.logged(), "wr0ng") == 0);
    }
    SECTION("none")
    {
        client_fixture with{loop, options};
        with.client.start();
        REQUIRE(with.until([&] { return occurrences(with.logged(), "NOAUTH") == 1; }));
    }
}

TEST_CASE("real Redis: a read-only replica is refused", "[redis]")
{
    redis_server server{{"--replicaof", "127.0.0.1", "1"}};
    boost::asio::io_context loop{1};
    client_fixture with{loop, patient(server.path())};
    with.client.start();
    REQUIRE(with.until([&] { return occurrences(with.logged(), "read-only replica") == 1; }));
    REQUIRE(server.ask("REPLICAOF NO ONE").starts_with("+OK"));
    REQUIRE(with.until([&] { return with.client.available(); }));
}

TEST_CASE("real Redis: over its memory limit writes fail and reads go on", "[redis]")
{
    redis_server server{{"--maxmemory", "1", "--maxmemory-policy", "noeviction"}};
    boost::asio::io_context loop{1};
    client_fixture with{loop, patient(server.path())};
    with.client.start();
    // Even an empty Redis is over it: there is no epoch, and none can be written.
    REQUIRE(with.until([&] { return occurrences(with.logged(), "there is no epoch key: OOM") == 1; }));
    REQUIRE(server.ask("CONFIG SET maxmemory 0").starts_with("+OK"));
    REQUIRE(with.until([&] { return with.client.available(); }));
    REQUIRE(server.ask("CONFIG SET maxmemory 1").starts_with("+OK"));
    CHECK(with.run({"SET", "k", "v"}).error() == errc::redis_error_reply);
    CHECK(with.run({"GET", "k"}).has_value());
}
