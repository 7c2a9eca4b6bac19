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
using test::chunk;
using test::chunked_head;
using test::get_next;
using test::read_all;
using test::roomy;
using test::with_length;
using test::world;

http::stream_handler echoing()
{
    return [](http::request& from, http::exchange& over) -> http::streamed_reply { return test::echo(from, over); };
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
