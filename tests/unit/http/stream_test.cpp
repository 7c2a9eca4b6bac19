// Answers that a stream handler makes over its exchange.

#include <functional>
#include <stdexcept>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

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
const std::string get_old{"GET /a HTTP/1.0\r\n\r\n"};
const std::string head_of{"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"};

using script = std::function<awaitable<void>(request&, exchange&)>;

http::stream_handler following(const script& text)
{
    return [text](request& from, exchange& over) -> streamed_reply { return text(from, over); };
}

/// A head and a body, in pieces of which one is empty, and the end.
awaitable<void> send_all(exchange& over, http::streamed_head head, std::string_view body, std::string trailers = {})
{
    co_await test::succeeds(over.begin(head));
    for (const auto piece : {body.substr(0, 1), std::string_view{}, body.substr(1)}) {
        auto bytes = share(std::string{piece});
        co_await test::succeeds(over.write(std::move(bytes)));
    }
    co_await test::succeeds(over.end(trailers));
}

}  // namespace

TEST_CASE("stream: an answer of known length has it, another is chunked or ends with the connection", "[http]")
{
    std::optional<std::uint64_t> length;
    std::string trailers;
    const auto body = "hello, " + test::pattern(70'000);
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        CHECK_FALSE(over.has_body());
        const auto nothing = co_await over.read();
        CHECK(nothing.value().empty());
        co_await send_all(over, {.status = 203, .lines = "X-A: b\r\n", .length = length}, body, trailers);
    };
    world here{following(text)};
    auto client = here.connect();
    SECTION("length")
    {
        length = body.size();
        client.send(get + get);
        for (const auto& one : client.read(2)) {
            CHECK(one.status == 203);
            CHECK(one.header("x-a") == "b");
            CHECK(one.header("content-length") == std::to_string(body.size()));
            CHECK(one.headers.count("transfer-encoding") == 0);
            CHECK(one.header("x-shoal-worker") == "test-1");
            CHECK(one.headers.count("x-request-id") + one.headers.count("server-timing") + one.headers.count("date") ==
                  3);
            CHECK(one.body == body);
        }
    }
    SECTION("chunks")
    {
        trailers = "X-Sum: 1\r\nX-B: c\r\n";
        client.send(get + get);
        for (const auto& one : client.read(2)) {
            CHECK(one.header("transfer-encoding") == "chunked");
            CHECK(one.headers.count("content-length") == 0);
            CHECK(one.body == body);
            CHECK(one.trailers == trailers);
        }
    }
    SECTION("length, to HTTP/1.0")
    {
        length = body.size();
        client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        CHECK(client.read_one().header("connection") == "keep-alive");
    }
    SECTION("unknown length, to HTTP/1.0")
    {
        trailers = "X-Sum: 1\r\n";
        client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        REQUIRE(here.wait_for([&] { return client.ended(); }));
        CHECK_FALSE(client.was_reset());
        CHECK(client.raw().find("Transfer-Encoding") == std::string::npos);
        CHECK(client.raw().find("\r\nConnection: close\r\n") != std::string::npos);
        CHECK(client.raw().ends_with("\r\n\r\n" + body));
    }
    CHECK(here.metric(R"(shoal_http_request_seconds_count{server="public",route="stream"})") >= 1);
}

TEST_CASE("stream: HEAD, 204 and 304 have no body, whatever is written", "[http]")
{
    const script text = [](request& from, exchange& over) -> awaitable<void> {
        const unsigned status = from.path == "/204" ? 204 : from.path == "/304" ? 304 : 200;
        const auto length = from.query == "known" ? std::optional<std::uint64_t>{5} : std::nullopt;
        co_await send_all(over, {.status = status, .lines = "Date: x\r\n", .length = length}, "hello", "A: b\r\n");
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(head_of);
    const auto chunked = client.read_one(true);
    CHECK(chunked.header("transfer-encoding") == "chunked");
    CHECK(chunked.header("date") == "x");
    client.send("HEAD /a?known HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_one(true).header("content-length") == "5");
    for (const std::string path : {"/204", "/304", "/204?known", "/304?known"}) {
        CAPTURE(path);
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        const auto got = client.read_one();
        CHECK(got.headers.count("content-length") + got.headers.count("transfer-encoding") == 0);
    }
    client.send("HEAD /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(client.read_one(true).header("connection") == "keep-alive");
    client.send(get);
    CHECK(client.read_one().body == "hello");
}

TEST_CASE("stream: every method and path is the handler's but CONNECT and TRACE", "[http]")
{
    world here{[](request& from, exchange&) -> streamed_reply {
        return http::response{200}.body("text/plain", std::string{from.method_text} + " " + std::string{from.target});
    }};
    auto client = here.connect();
    for (const std::string line : {"GET /-/live", "OPTIONS *", "PURGE /a?b", "BREW /pot", "DELETE /"}) {
        client.send(line + " HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n");
        CHECK(client.read_one().body == line);
    }
    client.send("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto trace = client.read_one();
    CHECK(trace.status == 405);
    CHECK(trace.header("allow").find("GET") != std::string::npos);
    client.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
    CHECK(client.read_to_end().at(0).status == 501);
}

TEST_CASE("stream: interim answers go before the answer, and not to HTTP/1.0", "[http]")
{
    const script text = [](request&, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.interim(103, "Link: </a>; rel=preload\r\n"));
        co_await test::succeeds(over.interim(102, ""));
        co_await send_all(over, {.length = 2}, "ok");
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(get);
    const auto answers = client.read(3);
    CHECK(answers[0].status == 103);
    CHECK(answers[0].header("link") == "</a>; rel=preload");
    CHECK(answers[0].headers.size() == 1);
    CHECK(answers[1].status == 102);
    CHECK(answers[2].body == "ok");
    auto old = here.connect();
    old.send(get_old);
    CHECK(old.read_to_end().at(0).body == "ok");
}

TEST_CASE("stream: whole answers may be given over the exchange, and go out before the handler ends", "[http]")
{
    test::barrier gate;
    const script text = [&](request& from, exchange& over) -> awaitable<void> {
        if (from.path == "/prepared")
            over.answer(http::prepared{.status = 200,
                                       .owner = {},
                                       .head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
                                       .lines = {},
                                       .body = {}});
        else
            over.answer(http::response{200}.body("text/plain", "whole"));
        co_await gate.pass();
    };
    world here{following(text)};
    auto client = here.connect();
    client.send("GET /prepared HTTP/1.1\r\nHost: a\r\n\r\n" + get);
    CHECK(client.read_one().status == 200);
    REQUIRE(gate.reached());
    CHECK(here.server->in_flight() == 0);
    gate.open();
    CHECK(client.read_one().body == "whole");
}

TEST_CASE("stream: pipelined requests are answered in order, however they are answered", "[http]")
{
    static const std::string_view held{"prepared"};
    const auto stream = [](std::string body, exchange& over) -> awaitable<void> {
        boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, 1ms};
        co_await timer.async_wait(boost::asio::use_awaitable);
        co_await send_all(over, {}, body);
    };
    world here{[&](request& from, exchange& over) -> streamed_reply {
        const std::string path{from.path};
        if (path.ends_with('0')) return http::response{200}.body("text/plain", path);
        if (path.ends_with('1'))
            return http::prepared{.status = 200,
                                  .owner = {},
                                  .head = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n",
                                  .lines = {},
                                  .body = {&held, 1},
                                  .offset = 0,
                                  .length = 8};
        return stream(path, over);
    }};
    auto client = here.connect();
    std::string bytes;
    for (int i = 0; i < 90; ++i)
        bytes += "GET /" + std::to_string(i) + std::to_string(i % 3) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(bytes);
    const auto answers = client.read(90);
    for (std::size_t i = 0; i < 90; ++i)
        REQUIRE(answers[i].body == (i % 3 == 1 ? "prepared" : "/" + std::to_string(i) + std::to_string(i % 3)));
}

TEST_CASE("stream: nothing is begun after its deadline, which the handler is told", "[http]")
{
    std::optional<boot_time> told;
    int calls = 0;
    test::barrier gate;
    const script text = [&](request& from, exchange& over) -> awaitable<void> {
        told = from.deadline;
        if (++calls == 1) co_await gate.pass();
        over.answer(http::response{204});
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(get + "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Deadline-Ms: 1\r\n\r\n" +
                "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Deadline-Ms: 60000\r\n\r\n");
    REQUIRE(here.wait_for([&] { return gate.reached(); }));
    CHECK_FALSE(told);
    for (const auto until = boot_clock::now() + 3ms; boot_clock::now() < until;) here.loop.run_one_for(1ms);
    gate.open();
    const auto answers = client.read(3);
    CHECK(answers[1].status == 504);
    CHECK(answers[2].status == 204);
    CHECK(calls == 2);
    REQUIRE(told);
    CHECK(*told - boot_clock::now() > 50s);
}

TEST_CASE("stream: the slow log has the time to the end of an answer", "[http]")
{
    const script text = [](request& from, exchange& over) -> awaitable<void> {
        co_await test::succeeds(over.begin({}));
        boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, 5ms};
        co_await timer.async_wait(boost::asio::use_awaitable);
        from.add_timing("origin", 5ms);
        co_await test::succeeds(over.end({}));
    };
    world here{following(text), test::patient_limits(), 4ms};
    auto client = here.connect();
    client.send("GET /slow?secret HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_one().status == 200);
    const auto log = here.log_text();
    CHECK(log.find("slow request") != std::string::npos);
    CHECK(log.find("origin") != std::string::npos);
    CHECK(log.find("secret") == std::string::npos);
}

TEST_CASE("stream: a drain ends each connection after its answer, an abort at once", "[http]")
{
    test::barrier gate;
    const script text = [&](request&, exchange& over) -> awaitable<void> {
        co_await gate.pass();
        if (!over.abandoned()) co_await send_all(over, {.length = 2}, "ok");
    };
    world here{following(text)};
    auto client = here.connect();
    client.send(get);
    REQUIRE(here.wait_for([&] { return gate.reached(); }));
    SECTION("drain")
    {
        here.server->begin_drain();
        gate.open();
        const auto answers = client.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].body == "ok");
        CHECK(answers[0].header("connection") == "close");
    }
    SECTION("abort")
    {
        here.server->abort();
        CHECK(client.ended());
        gate.open();
    }
    CHECK(here.wait_for([&] { return here.server->connections() == 0; }));
    CHECK(here.server->in_flight() == 0);
}
