// Streamed answers when the client is slow or gone, or the handler fails.

#include <functional>
#include <stdexcept>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "tests/unit/http/streams.hpp"
#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using boost::asio::awaitable;
using http::exchange;
using http::request;
using http::streamed_reply;
using test::world;

const std::string get{"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"};

using script = std::function<awaitable<void>(request&, exchange&)>;

http::stream_handler following(const script& text)
{
    return [text](request& from, exchange& over) -> streamed_reply { return text(from, over); };
}

}  // namespace

TEST_CASE("stream: a head goes out though nothing is written after it", "[http]")
{
    test::barrier gate;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({.length = 5}));
        co_await gate.pass();
        co_await test::succeeds(over.write(share("hello")));
        co_await test::succeeds(over.end({}));
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(get);
    CHECK(client.wait_for_bytes("\r\n\r\n"));
    gate.open();
    CHECK(client.read_one().body == "hello");
}

TEST_CASE("stream: what the kernel did not take goes out while the handler waits for something else", "[http]")
{
    test::barrier gate;
    test::tracked_bytes::tally kept;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({.length = std::nullopt}));
        // More than the kernel takes at once, less than must be waited for.
        while (kept.now < 100 * 1024) co_await test::succeeds(over.write(test::track(test::pattern(20'000), kept)));
        co_await test::succeeds(over.write(share("the end of it")));
        co_await gate.pass();
        co_await test::succeeds(over.end({}));
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(get);
    REQUIRE(here.wait_for([&] { return gate.reached(); }));
    // Whatever else might send it has had its turn.
    for (int i = 0; i < 20; ++i) here.loop.poll();
    CHECK(kept.now >= 100 * 1024);
    CHECK(client.wait_for_bytes("the end of it"));
    CHECK(kept.now == 0);
    gate.open();
    CHECK(client.read_one().status == 200);
}

TEST_CASE("stream: a client that takes nothing holds up the handler, and memory stays bounded", "[http]")
{
    test::tracked_bytes::tally kept;
    std::size_t written = 0;
    bool done = false;
    const std::size_t piece = 64 * 1024;
    const std::size_t count = 100;
    std::optional<std::uint64_t> length;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({.length = length}));
        for (std::size_t i = 0; i < count; ++i) {
            if (!co_await over.write(test::track(test::pattern(piece), kept))) co_return;
            ++written;
        }
        co_await test::succeeds(over.end({}));
        done = true;
    };
    SECTION("chunked") {}
    SECTION("of known length")
    {
        length = piece * count;
    }
    world here{following(text)};
    auto client = here.connect();
    client.send(get);
    REQUIRE(here.wait_for([&] { return kept.now > 256 * 1024; }));
    for (int i = 0; i < 50; ++i) here.loop.poll();
    CHECK(written < count / 2);
    const auto got = client.read_one();
    CHECK(done);
    CHECK(got.body.size() == piece * count);
    CHECK(got.body.substr(piece * 37, piece) == test::pattern(piece));
    CHECK(kept.most <= 256 * 1024 + 2 * piece);
    CHECK(kept.now == 0);
}

TEST_CASE("stream: many tiny pieces need no more memory than their bytes", "[http]")
{
    test::tracked_bytes::tally kept;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({.length = 90'000}));
        for (int i = 0; i < 30'000; ++i)
            if (!co_await over.write(test::track("abc", kept))) co_return;
        co_await test::succeeds(over.end({}));
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(get);
    const auto got = client.read_one();
    CHECK(got.body.size() == 90'000);
    // Copied where they are smaller than what it takes to point to them.
    CHECK(kept.most <= 3);
}

TEST_CASE("stream: a write fails when the client takes nothing in time, not when it is slow", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.write = 60ms;
    bool failed = false;
    std::size_t size = 0;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({}));
        for (int i = 0; i < 64 && !failed; ++i) {
            const auto wrote = co_await over.write(share(test::pattern(64 * 1024)));
            failed = !wrote && wrote.error() == errc::connection_lost;
        }
        if (!failed) co_await test::succeeds(over.end({}));
    };
    world here{following(text), bounds};
    auto client = here.connect();
    client.send(get);
    REQUIRE(here.wait_for([&] { return here.server->in_flight() == 1; }));
    SECTION("nothing")
    {
        CHECK(here.wait_for([&] { return here.server->connections() == 0; }));
        CHECK(failed);
        CHECK(here.metric(R"(shoal_http_truncated_total{server="public"})") == 1);
    }
    SECTION("slowly")
    {
        const auto begun = boot_clock::now();
        while (size < 64 * 64 * 1024 && !failed && boot_clock::now() - begun < 5s) {
            for (const auto until = boot_clock::now() + 15ms; boot_clock::now() < until;) here.loop.run_one_for(5ms);
            size += client.drop_some(256 * 1024);
        }
        CHECK_FALSE(failed);
        CHECK(boot_clock::now() - begun > 2 * bounds.write);
    }
}

TEST_CASE("stream: a stalled client is cut while its handler waits for something else", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.write = 40ms;
    test::barrier gate;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({}));
        for (int i = 0; i < 6; ++i) co_await test::succeeds(over.write(share(test::pattern(64 * 1024))));
        co_await gate.pass();
        CHECK(over.abandoned());
        co_await test::fails(over.write(share("x")));
        co_await test::fails(over.end({}));
    };
    world here{following(text), bounds};
    auto client = here.connect();
    client.send(get);
    REQUIRE(here.wait_for([&] { return gate.reached(); }));
    const auto begun = boot_clock::now();
    for (; boot_clock::now() - begun < 150ms;) here.loop.run_one_for(5ms);
    gate.open();
    CHECK(here.wait_for([&] { return here.server->connections() == 0; }));
}

TEST_CASE("stream: a client that has left is seen, and what is written then fails", "[http]")
{
    test::barrier gate;
    bool before = true;
    bool after = false;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({}));
        before = over.abandoned();
        co_await gate.pass();
        after = over.abandoned();
        result<void> wrote{};
        for (int i = 0; i < 100 && wrote; ++i) wrote = co_await over.write(share(test::pattern(10'000)));
        CHECK(wrote.error() == errc::connection_lost);
        co_await test::fails(over.end({}));
        CHECK(over.abandoned());
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(get);
    REQUIRE(client.wait_for_bytes("\r\n\r\n"));
    REQUIRE(gate.reached());
    CHECK_FALSE(before);
    client.close();
    gate.open();
    REQUIRE(here.wait_for([&] { return here.server->connections() == 0; }));
    CHECK(after);
    CHECK(here.log_text().find(R"("level":"error")") == std::string::npos);
}

TEST_CASE("stream: a handler that fails before its answer is 500, after its begin a truncated answer", "[http]")
{
    std::string how;
    const script text = [&how](request&, exchange& over) -> awaitable<void> {
        if (how == "throw") throw std::runtime_error{"thrown"};
        if (how == "nothing") co_return;
        co_await test::succeeds(
            over.begin({.length = how == "short" || how == "long" ? std::optional<std::uint64_t>{7} : std::nullopt}));
        co_await test::succeeds(over.write(share("hello")));
        if (how == "begun, throw") throw std::runtime_error{"thrown"};
        if (how == "short") co_await test::fails(over.end({}));
        if (how == "long") {
            co_await test::fails(over.write(share("hello")));
            co_await test::fails(over.write(share("h")));
        }
        if (how == "cut") over.cut();
    };
    world here{following(text)};
    for (const std::string one : {"throw", "nothing"}) {
        how = one;
        auto client = here.connect();
        client.send(get + get);
        for (const auto& got : client.read(2)) CHECK(got.status == 500);
    }
    CHECK(here.metric(R"(shoal_http_requests_total{server="public",route="stream",code="500"})") == 4);
    double truncated = 0;
    for (const std::string one : {"begun, throw", "begun", "short", "long", "cut"}) {
        CAPTURE(one);
        how = one;
        auto client = here.connect();
        client.send(get + get);
        REQUIRE(here.wait_for([&] { return client.ended(); }));
        CHECK(client.raw().find("hello") != std::string::npos);
        CHECK_FALSE(client.raw().ends_with("0\r\n\r\n"));
        CHECK(client.raw().find("HTTP/1.1 ", 1) == std::string::npos);
        CHECK(here.metric(R"(shoal_http_truncated_total{server="public"})") == ++truncated);
    }
    const auto log = here.log_text();
    CHECK(log.find("a handler threw an exception") != std::string::npos);
    CHECK(log.find("a handler ended without completing its answer") != std::string::npos);
    CHECK(log.find("an answer has not the length that its head says") != std::string::npos);
}

TEST_CASE("stream: where only the connection's end ends a body, one that is cut off is reset", "[http]")
{
    const script text = [](request& from, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({}));
        co_await test::succeeds(over.write(share("hello")));
        if (from.path == "/whole") co_await test::succeeds(over.end({}));
    };
    world here{following(text)};
    const auto port = here.server->listen_tcp("127.0.0.1", 0);
    here.server->start();
    const auto end_of = [&](const std::string& path) {
        boost::asio::ip::tcp::socket client{here.loop};
        client.connect({boost::asio::ip::make_address("127.0.0.1"), port});
        boost::asio::write(client, boost::asio::buffer("GET " + path + " HTTP/1.0\r\n\r\n"));
        std::string got;
        std::optional<boost::system::error_code> ended;
        boost::asio::async_read(client, boost::asio::dynamic_buffer(got), [&](auto error, auto) { ended = error; });
        REQUIRE(here.wait_for([&] { return ended.has_value(); }));
        return *ended;
    };
    CHECK(end_of("/whole") == boost::asio::error::eof);
    CHECK(end_of("/cut") == boost::asio::error::connection_reset);
}

TEST_CASE("stream: a handler that throws at once is 500", "[http]")
{
    world here{[](request&, exchange&) -> streamed_reply { throw std::runtime_error{"thrown at once"}; }};
    auto client = here.connect();
    client.send(get + get);
    for (const auto& one : client.read(2)) CHECK(one.status == 500);
    CHECK(here.log_text().find("thrown at once") != std::string::npos);
}
