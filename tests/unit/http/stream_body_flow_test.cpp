// How bodies of requests flow: who waits for whom, for how long, and what is left unread.

#include <catch2/catch.hpp>

#include "tests/unit/http/streams.hpp"
#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using boost::asio::awaitable;
using test::chunk;
using test::chunked_head;
using test::get_next;
using test::read_all;
using test::roomy;
using test::with_length;
using test::world;

}  // namespace

TEST_CASE("stream bodies: a client can send no more than the handler takes", "[http]")
{
    test::barrier gate;
    const auto slow = [&gate](http::exchange& over) -> awaitable<void> {
        co_await gate.pass();
        const auto body = co_await read_all(over);
        over.answer(http::response{200}.body("text/plain", std::to_string(body->size())));
    };
    world here{[&](http::request&, http::exchange& over) -> http::streamed_reply { return slow(over); }, roomy()};
    auto client = here.connect();
    const auto bytes = with_length(test::pattern(8 * 1024 * 1024));
    std::size_t sent = 0;
    for (int i = 0; i < 50; ++i) {
        sent += client.send_some(std::string_view{bytes}.substr(sent));
        here.loop.poll();
    }
    CHECK(gate.reached());
    CHECK(sent < 1024 * 1024);
    gate.open();
    client.send(std::string_view{bytes}.substr(sent));
    CHECK(client.read_one().body == std::to_string(8 * 1024 * 1024));
}

TEST_CASE("stream bodies: an answer before the body is seen, and the connection goes on if little is left", "[http]")
{
    world here{[](http::request&, http::exchange&) -> http::streamed_reply {
                   return http::response{200}.body("text/plain", "early");
               },
               roomy()};
    SECTION("a short body, whole or in pieces")
    {
        auto client = here.connect();
        client.send(with_length(test::pattern(100'000)) + chunked_head + chunk(test::pattern(50'000)) +
                    "0\r\nA: b\r\n\r\n" + get_next);
        const auto answers = client.read(3);
        for (const auto& one : answers) {
            CHECK(one.body == "early");
            CHECK(one.header("connection").empty());
        }
    }
    SECTION("the answer does not wait for the body")
    {
        auto client = here.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
        CHECK(client.read_one().body == "early");
        client.send("llo" + get_next);
        CHECK(client.read_one().body == "early");
    }
    SECTION("a long body with a length ends the connection, and says so")
    {
        auto client = here.connect();
        client.send_some(with_length(test::pattern(400'000)));
        const auto answers = client.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].header("connection") == "close");
    }
    SECTION("a long chunked body ends the connection")
    {
        auto client = here.connect();
        const auto bytes = chunked_head + chunk(test::pattern(400'000));
        std::size_t sent = 0;
        // The server may close while we send.
        REQUIRE(here.wait_for([&] {
            sent += client.send_some(std::string_view{bytes}.substr(sent));
            return client.ended();
        }));
        CHECK(client.raw().starts_with("HTTP/1.1 200"));
        CHECK(client.raw().find("HTTP/1.1", 1) == std::string::npos);
    }
    SECTION("a body that can't be read ends the connection")
    {
        auto client = here.connect();
        client.send(chunked_head + "5\nhello\r\n0\r\n\r\n" + get_next);
        const auto answers = client.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].body == "early");
    }
}

TEST_CASE("stream bodies: 100 Continue goes out when the body is read for the first time", "[http]")
{
    bool reads = true;
    test::barrier gate;
    const auto maybe = [&](http::exchange& over) -> awaitable<void> {
        CHECK(over.has_body());
        co_await gate.pass();
        if (!reads) {
            over.answer(http::response{403});
            co_return;
        }
        const auto body = co_await read_all(over);
        over.answer(http::response{200}.body("text/plain", body.value()));
    };
    world here{[&](http::request&, http::exchange& over) -> http::streamed_reply { return maybe(over); }};
    const std::string head{"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"};
    auto client = here.connect();
    SECTION("not before, and once")
    {
        client.send(head);
        REQUIRE(here.wait_for([&] { return gate.reached(); }));
        here.loop.poll();
        CHECK_FALSE(client.ended());
        CHECK(client.raw().empty());
        gate.open();
        CHECK(client.read_one().status == 100);
        client.send("he");
        here.loop.poll();
        client.send("llo");
        CHECK(client.read_one().body == "hello");
    }
    SECTION("not to who does not wait")
    {
        gate.open();
        client.send(head + "hello");
        CHECK(client.read_one().body == "hello");
    }
    SECTION("without it nobody knows whether the body comes: the connection ends")
    {
        reads = false;
        gate.open();
        client.send(head);
        const auto answers = client.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == 403);
        CHECK(answers[0].header("connection") == "close");
    }
}

TEST_CASE("stream bodies: the time is between two pieces", "[http]")
{
    auto bounds = roomy();
    bounds.whole_body = 60ms;
    result<std::string> seen{""};
    const auto collect = [&seen](http::exchange& over) -> awaitable<void> {
        seen = co_await read_all(over);
        if (seen) over.answer(http::response{200});
    };
    world here{[&](http::request&, http::exchange& over) -> http::streamed_reply { return collect(over); }, bounds};
    auto client = here.connect();
    SECTION("a body that goes on coming may take long")
    {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
        for (int i = 0; i < 10; ++i) {
            for (const auto until = boot_clock::now() + 15ms; boot_clock::now() < until;) here.loop.run_one_for(2ms);
            client.send("x");
        }
        CHECK(client.read_one().status == 200);
    }
    SECTION("one that stops is answered 408")
    {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhe");
        const auto answers = client.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == 408);
        CHECK(answers[0].header("connection") == "close");
        CHECK(seen.error() == errc::deadline_exceeded);
    }
    SECTION("one that stops after its answer ends the connection")
    {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe");
        (void)client.read_to_end();
        CHECK(seen.error() == errc::deadline_exceeded);
    }
}

TEST_CASE("stream bodies: a client that leaves in the middle of its body is a failed read", "[http]")
{
    result<std::string> seen{""};
    bool done = false;
    const auto collect = [&](http::exchange& over) -> awaitable<void> {
        seen = co_await read_all(over);
        CHECK(over.abandoned());
        const auto again = co_await over.read();
        CHECK(again.error() == errc::connection_lost);
        co_await test::fails(over.begin({}));
        done = true;
    };
    world here{[&](http::request&, http::exchange& over) -> http::streamed_reply { return collect(over); }};
    auto client = here.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhe");
    REQUIRE(here.wait_for([&] { return here.server->in_flight() == 1; }));
    client.close();
    REQUIRE(here.wait_for([&] { return done && here.server->connections() == 0; }));
    CHECK(seen.error() == errc::connection_lost);
    CHECK(here.log_text().find(R"("level":"error")") == std::string::npos);
    CHECK(here.metric(R"(shoal_http_requests_total{server="public",route="stream",code="499"})") == 1);
}

TEST_CASE("stream bodies: the bound is on the whole body", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.body = 300'000;
    errc seen{};
    const auto collect = [&seen](http::exchange& over) -> awaitable<void> {
        const auto body = co_await read_all(over);
        if (body)
            over.answer(http::response{200}.body("text/plain", std::to_string(body->size())));
        else
            seen = body.error() == errc::too_large ? errc::too_large : errc::connection_lost;
    };
    world here{[&](http::request&, http::exchange& over) -> http::streamed_reply { return collect(over); }, bounds};
    auto client = here.connect();
    const auto most = test::pattern(150'000);
    client.send(chunked_head + chunk(most) + chunk(most) + "0\r\n\r\n");
    CHECK(client.read_one().body == "300000");
    client.send(chunked_head + chunk(most) + chunk(most) + chunk("x") + "0\r\n\r\n");
    const auto answers = client.read_to_end();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 413);
    CHECK(seen == errc::too_large);
}
