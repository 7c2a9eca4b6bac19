// stop() at every moment. What is not freed, AddressSanitizer reports.

#include "tests/support/resp_server.hpp"
#include "tests/unit/redis/fixture.hpp"

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

struct stop_fixture {
    boost::asio::io_context loop{1};
    resp_server server{loop};
    client_fixture with{loop, impatient(server.path())};

    void stops()
    {
        with.client.stop();
        CHECK_FALSE(with.client.available());
        REQUIRE(with.until([&] { return with.tasks.running() == 0; }));
    }
};

}  // namespace

TEST_CASE_METHOD(stop_fixture, "stop: before start, and twice", "[redis]")
{
    with.client.stop();
    with.client.stop();
    CHECK(with.run({"GET", "a"}).error() == errc::redis_unavailable);
}

TEST_CASE_METHOD(stop_fixture, "stop: before the first attempt", "[redis]")
{
    with.client.start();
    stops();
    CHECK(server.connections() == 0);
}

TEST_CASE_METHOD(stop_fixture, "stop: while connecting", "[redis]")
{
    with.client.start();
    loop.run_one();
    stops();
}

TEST_CASE_METHOD(stop_fixture, "stop: after any number of steps towards being available", "[redis]")
{
    const int steps = GENERATE(range(1, 30));
    with.client.start();
    for (int i = 0; i < steps && !with.client.available(); ++i) loop.run_one();
    stops();
}

TEST_CASE_METHOD(stop_fixture, "stop: during the handshake", "[redis]")
{
    resp_server::peer_ptr waiting;
    server.on_handshake([&](const auto& from, const auto&) { waiting = from; });
    with.client.start();
    REQUIRE(with.until([&] { return waiting != nullptr; }));
    stops();
}

TEST_CASE_METHOD(stop_fixture, "stop: between two attempts", "[redis]")
{
    server.stop_listening();
    auto options = impatient(server.path());
    options.least_backoff = options.most_backoff = 1h;
    client_fixture waiting{loop, options};
    waiting.client.start();
    REQUIRE(waiting.until([&] { return occurrences(waiting.logged(), "Redis is not available") == 1; }));
    waiting.client.stop();
    REQUIRE(waiting.until([&] { return waiting.tasks.running() == 0; }));
}

TEST_CASE_METHOD(stop_fixture, "stop: what is pending becomes unknown, what comes later is refused", "[redis]")
{
    bool arrived = false;
    server.on_command([&](const auto&, const auto&) { arrived = true; });
    with.connect();
    const auto pending = with.begin({"GET", "a"}, boot_clock::now() + 1h);
    REQUIRE(with.until([&] { return arrived; }));
    with.client.stop();
    CHECK_FALSE(pending->outcome);
    const auto later = with.begin({"GET", "b"});
    REQUIRE(with.until([&] { return with.tasks.running() == 0; }));
    CHECK(pending->ended_with(errc::redis_outcome_unknown));
    CHECK(later->ended_with(errc::redis_unavailable));
    CHECK(with.metric("shoal_redis_pending") == 0);
}

TEST_CASE_METHOD(stop_fixture, "stop: in the turn in which a command was begun", "[redis]")
{
    with.connect();
    const auto sent = with.metric("shoal_redis_commands_total");
    const auto writes = with.metric("shoal_redis_writes_total");
    const auto begun = with.begin({"GET", "a"});
    while (with.metric("shoal_redis_commands_total") == sent) loop.run_one();
    CHECK(with.metric("shoal_redis_writes_total") == writes);
    stops();
    CHECK(begun->ended_with(errc::redis_outcome_unknown));
}

TEST_CASE_METHOD(stop_fixture, "stop: inside a completion, with others answered in the same read", "[redis]")
{
    with.connect();
    const auto stopper = [](client_fixture& fixture) -> boost::asio::awaitable<void> {
        const std::array<std::string_view, 1> ping{"PING"};
        CHECK(co_await fixture.client.command(ping));
        fixture.client.stop();
        CHECK((co_await fixture.client.command(ping)).error() == errc::redis_unavailable);
    };
    with.tasks.spawn("stopper", stopper(with));
    const auto answered = with.begin({"GET", "a"});
    REQUIRE(with.until([&] { return with.tasks.running() == 0; }));
    CHECK(answered->returned(std::string{"OK"}));
}

TEST_CASE_METHOD(stop_fixture, "stop: inside the completion of a deadline", "[redis]")
{
    server.on_command([](const auto&, const auto&) {});
    with.connect();
    const auto stopper = [](client_fixture& fixture) -> boost::asio::awaitable<void> {
        const std::array<std::string_view, 1> ping{"PING"};
        CHECK((co_await fixture.client.command(ping, boot_clock::now() + 1ms)).error() == errc::redis_outcome_unknown);
        fixture.client.stop();
    };
    const auto other = with.begin({"GET", "a"});
    with.tasks.spawn("stopper", stopper(with));
    REQUIRE(with.until([&] { return with.tasks.running() == 0; }));
    CHECK(other->ended_with(errc::redis_outcome_unknown));
}

TEST_CASE_METHOD(stop_fixture, "stop: with half a reply read", "[redis]")
{
    server.on_command([](const auto& from, const auto&) { from->send("*2\r\n$20\r\nan element that is long enough"); });
    with.connect();
    const auto half = with.begin({"GET", "a"});
    REQUIRE(with.until([&] { return half->outcome.has_value(); }));
    stops();
    CHECK(half->ended_with(errc::redis_outcome_unknown));
}

TEST_CASE("stop: a client that is destroyed with its loop leaks nothing", "[redis]")
{
    auto loop = std::make_unique<boost::asio::io_context>(1);
    auto server = std::make_unique<resp_server>(*loop);
    server->on_command([](const auto&, const auto&) {});
    auto with = std::make_unique<client_fixture>(*loop, impatient(server->path()));
    with->connect();
    const auto pending = with->begin({"GET", "a"});
    loop->poll();
    with.reset();
    server.reset();
    loop.reset();
    CHECK(pending->ended_with(errc::redis_outcome_unknown));
}
