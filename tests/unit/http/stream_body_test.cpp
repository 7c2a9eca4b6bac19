// Bodies of requests as a stream handler reads them.

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "tests/unit/http/refusals.hpp"
#include "tests/unit/http/streams.hpp"
#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using boost::asio::awaitable;
using test::world;

const std::string get_next{"GET /next HTTP/1.1\r\nHost: n\r\n\r\n"};

http::stream_handler echoing()
{
    return [](http::request& from, http::exchange& over) -> http::streamed_reply { return test::echo(from, over); };
}

http::limits roomy()
{
    auto bounds = test::patient_limits();
    bounds.body = 1024 * 1024 * 1024;
    return bounds;
}

/// All of the body, or why it can't be had.
awaitable<result<std::string>> read_all(http::exchange& over)
{
    std::string body;
    for (;;) {
        const auto piece = co_await over.read();
        if (!piece) co_return piece.error();
        if (piece->empty()) co_return body;
        // No more of it than a buffer is ever in memory.
        CHECK(piece->size() <= 64 * 1024);
        body += *piece;
    }
}

std::string with_length(std::string_view body, const std::string& lines = "")
{
    return "POST /up?load HTTP/1.1\r\nHost: a\r\n" + lines + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string{body};
}

const std::string chunked_head{"POST /up?load HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"};

std::string chunk(std::string_view data)
{
    char digits[16];
    std::snprintf(digits, sizeof digits, "%zx", data.size());
    return std::string{digits}.append("\r\n").append(data).append("\r\n");
}

class dice {
public:
    explicit dice(std::uint32_t seed) : random_{seed} {}
    std::size_t upto(std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(random_); }

private:
    std::mt19937 random_;
};

std::string random_chunks(std::string_view body, dice& with)
{
    std::string coded = chunked_head;
    while (!body.empty()) {
        const auto size = std::min(body.size(), 1 + with.upto(with.upto(3) == 0 ? 100'000 : 300));
        coded += chunk(body.substr(0, size));
        body.remove_prefix(size);
    }
    return coded + "0\r\n";
}

void send_cut(world& here, test::client& through, std::string_view bytes, dice& with)
{
    while (!bytes.empty()) {
        const auto size = std::min(bytes.size(), 1 + with.upto(with.upto(2) == 0 ? 50 : 30'000));
        auto piece = bytes.substr(0, size);
        bytes.remove_prefix(size);
        // Who does not take what comes back is not read from.
        REQUIRE(here.wait_for([&] {
            piece.remove_prefix(through.send_some(piece));
            return piece.empty() || through.ended();
        }));
        if (with.upto(1) == 0) here.loop.poll();
    }
}

}  // namespace

TEST_CASE("stream bodies: every refusal holds for a server that streams as well", "[http]")
{
    world here{echoing(), test::tight_limits()};
    for (const auto& one : test::refused_cases()) {
        CAPTURE(one.name);
        auto client = here.connect();
        client.send(one.bytes);
        if (one.name.find("without end") == std::string::npos) client.send(get_next);
        CHECK(here.wait_for([&] { return client.ended(); }));
        // What is wrong with a body may show after its first bytes were answered: then there is no end to the answer.
        const bool answered = client.raw().starts_with("HTTP/1.1 200");
        const bool in_body = one.bytes.find("\r\n\r\n") + 4 < one.bytes.size();
        if (answered) {
            CHECK(in_body);
            CHECK_FALSE(client.raw().ends_with("0\r\n\r\n"));
        } else {
            CHECK(client.raw().starts_with("HTTP/1.1 " + std::to_string(one.status)));
            CHECK(client.raw().find("\r\nConnection: close\r\n") != std::string::npos);
        }
        CHECK(client.raw().find("HTTP/1.1 200", 1) == std::string::npos);
    }
}

TEST_CASE("stream bodies: a handler that reads all before it answers sees each refusal", "[http]")
{
    const auto collect = [](http::exchange& over) -> awaitable<void> {
        const auto body = co_await read_all(over);
        if (body) over.answer(http::response{200}.body("text/plain", *body));
    };
    world here{[&](http::request&, http::exchange& over) -> http::streamed_reply { return collect(over); },
               test::tight_limits()};
    for (const auto& one : test::refused_cases()) {
        CAPTURE(one.name);
        auto client = here.connect();
        client.send(one.bytes);
        if (one.name.find("without end") == std::string::npos) client.send(get_next);
        const auto answers = client.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == one.status);
        CHECK(answers[0].header("connection") == "close");
        CHECK(answers[0].header("content-type") == "application/problem+json");
    }
    CHECK(here.metric(R"(shoal_http_rejected_total{server="public",reason="malformed"})") > 80);
    CHECK(here.log_text().find(R"("level":"error")") == std::string::npos);
    for (const auto& one : test::accepted_cases()) {
        CAPTURE(one.name);
        auto client = here.connect();
        client.send(one.bytes + get_next);
        CHECK(client.read_next().body == one.body);
    }
}

TEST_CASE("stream bodies: random bodies come out as they went in, however framed and cut", "[http]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    dice with{seed};
    world here{echoing(), roomy()};
    for (int round = 0; round < 40; ++round) {
        auto client = here.connect();
        std::string bytes;
        std::vector<std::string> bodies;
        std::vector<std::string> trailers;
        for (std::size_t i = 1 + with.upto(3); i > 0; --i) {
            bodies.push_back(test::pattern(with.upto(with.upto(2) == 0 ? 300'000 : 200)));
            const bool chunked = with.upto(1) == 0;
            trailers.push_back(chunked && with.upto(1) == 0 ? "A: b\r\nC:\r\n" : "");
            bytes +=
                chunked ? random_chunks(bodies.back(), with) + trailers.back() + "\r\n" : with_length(bodies.back());
        }
        send_cut(here, client, bytes, with);
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            const auto got = client.read_next();
            CAPTURE(round, i);
            REQUIRE(got.status == 200);
            REQUIRE(got.body == bodies[i]);
            REQUIRE(got.trailers == trailers[i]);
        }
    }
}

TEST_CASE("stream bodies: the head's views hold while a large body comes", "[http]")
{
    bool held = false;
    const auto keep = [&held](http::request& from, http::exchange& over) -> awaitable<void> {
        std::vector<std::string_view> before{from.target, from.path, from.query, from.id};
        for (const auto& one : from.headers) before.push_back(one.value);
        std::vector<std::string> copies{before.begin(), before.end()};
        const auto body = co_await read_all(over);
        held = body && body->size() == 3'000'000 && std::ranges::equal(before, copies);
        over.answer(http::response{204});
    };
    world here{[&](http::request& from, http::exchange& over) -> http::streamed_reply { return keep(from, over); },
               roomy()};
    // A head that nearly fills the first buffer, and one that fills more.
    for (const std::size_t padding : {10, 3'900, 9'000}) {
        auto client = here.connect();
        client.send(
            with_length(test::pattern(3'000'000), "X-Request-Id: mine\r\nA: " + std::string(padding, 'p') + "\r\n"));
        CHECK(client.read_one().status == 204);
        CHECK(held);
        held = false;
    }
}

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
