// Answers that are ready before they are asked for.

#include <algorithm>
#include <random>
#include <regex>

#include <catch2/catch.hpp>

#include "tests/unit/http/streams.hpp"
#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using test::world;

const std::string get{"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: r\r\n\r\n"};

/// A stored response as a cache may have it.
class stored final : public counted {
public:
    stored(std::vector<std::string> pieces, int& alive) : pieces_{std::move(pieces)}, alive_{alive}
    {
        ++alive_;
        for (const auto& one : pieces_) {
            views_.push_back(one);
            body_ += one;
        }
        head_ = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: " +
                std::to_string(body_.size()) + "\r\n";
    }
    ~stored() override { --alive_; }

    [[nodiscard]] http::prepared answer(unsigned status = 200) const
    {
        http::prepared made{.status = status,
                            .owner = this,
                            .head = head_,
                            .lines = {},
                            .body = views_,
                            .offset = 0,
                            .length = body_.size()};
        CHECK(made.lines.append("Age: 7\r\n"));
        return made;
    }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

private:
    std::vector<std::string> pieces_;
    std::vector<std::string_view> views_;
    std::string head_;
    std::string body_;
    int& alive_;
};

struct store {
    int alive = 0;
    boost::intrusive_ptr<const stored> now;

    explicit store(std::vector<std::string> pieces) : now{new stored{std::move(pieces), alive}} {}

    [[nodiscard]] http::stream_handler answers()
    {
        return [this](http::request&, http::exchange&) -> http::streamed_reply { return now->answer(); };
    }
};

}  // namespace

TEST_CASE("prepared: the head goes out as it stands, then the session's lines, then the body", "[http]")
{
    store has{{"hel", "lo"}};
    world here{has.answers()};
    auto client = here.connect();
    client.send(get);
    REQUIRE(client.wait_for_bytes("hello"));
    CHECK(std::regex_match(
        client.raw(), std::regex{"HTTP/1\\.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 5\r\n"
                                 "Age: 7\r\nX-Shoal-Worker: test-1\r\nX-Request-Id: r\r\n"
                                 "Server-Timing: total;dur=[0-9]+\\.[0-9]{3}\r\n\r\nhello"}));
    CHECK(here.metric(R"(shoal_http_requests_total{server="public",route="stream",code="200"})") == 1);
    CHECK(here.server->in_flight() == 0);
}

TEST_CASE("prepared: HEAD, 204 and 304 have no body", "[http]")
{
    store has{{test::pattern(5000)}};
    world here{[&](http::request& from, http::exchange&) -> http::streamed_reply {
        return has.now->answer(from.path == "/304" ? 304 : from.path == "/204" ? 204 : 200);
    }};
    auto client = here.connect();
    for (const std::string line : {"HEAD /", "GET /304", "GET /204"}) {
        client.send(line + " HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client.read_one(true).header("content-length") == "5000");
    }
    client.send(get);
    CHECK(client.read_one().body == has.now->body());
}

TEST_CASE("prepared: the connection stays open or closes as the client and a drain say", "[http]")
{
    store has{{"x"}};
    world here{has.answers()};
    auto old = here.connect();
    old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(old.read_one().header("connection") == "keep-alive");
    old.send("GET / HTTP/1.0\r\n\r\n");
    CHECK(old.read_to_end().at(0).header("connection") == "close");
    auto client = here.connect();
    client.send(get);
    CHECK(client.read_one().header("connection").empty());
    here.server->begin_drain();
    client.send(get);
    CHECK(client.read_to_end().at(0).header("connection") == "close");
}

TEST_CASE("prepared: pipelined hits are answered in order, small and large", "[http]")
{
    store small{{"small"}};
    store large{{test::pattern(70'000), test::pattern(90'000)}};
    world here{[&](http::request& from, http::exchange&) -> http::streamed_reply {
        if (from.path == "/plain") return http::response{200}.body("text/plain", "plain");
        return (from.path == "/large" ? large : small).now->answer();
    }};
    auto client = here.connect();
    std::string bytes;
    for (int i = 0; i < 60; ++i)
        bytes += std::string{"GET "} +
                 (i % 3 == 0   ? "/large"
                  : i % 3 == 1 ? "/small"
                               : "/plain") +
                 " HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(bytes);
    const auto answers = client.read(60);
    for (std::size_t i = 0; i < answers.size(); ++i)
        REQUIRE(answers[i].body == (i % 3 == 0 ? large.now->body() : i % 3 == 1 ? "small" : "plain"));
    CHECK(here.server->in_flight() == 0);
}

TEST_CASE("prepared: any part of any pieces comes out whole", "[http]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto upto = [&](std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(random); };
    std::vector<std::string> pieces;
    for (int i = 0; i < 200; ++i) pieces.push_back(test::pattern(upto(3) == 0 ? 0 : upto(upto(9) == 0 ? 70'000 : 600)));
    store has{std::move(pieces)};
    const auto size = has.now->body().size();
    std::size_t offset = 0;
    std::size_t length = 0;
    const std::string head{"HTTP/1.1 206 Partial Content\r\n"};
    world here{[&](http::request&, http::exchange&) -> http::streamed_reply {
        auto made = has.now->answer(206);
        made.head = head;
        made.offset = offset;
        made.length = length;
        CHECK(made.lines.append("Content-Length: " + std::to_string(length) + "\r\n"));
        return made;
    }};
    auto client = here.connect();
    for (int round = 0; round < 200; ++round) {
        offset = round == 0 ? 0 : upto(size);
        length = round == 0 ? size : upto(std::min(size - offset, round % 3 == 0 ? 300 : size));
        CAPTURE(round, offset, length);
        client.send(get);
        REQUIRE(client.read_one().body == has.now->body().substr(offset, length));
    }
}

TEST_CASE("prepared: what is sent is kept until it is sent, and not longer", "[http]")
{
    store has{std::vector<std::string>(32, test::pattern(64 * 1024))};
    const auto body = has.now->body();
    world here{has.answers()};
    auto client = here.connect();
    SECTION("a client that is slow gets all of it")
    {
        client.send(get);
        REQUIRE(here.wait_for([&] { return here.server->in_flight() == 1; }));
        has.now.reset();
        here.loop.poll();
        CHECK(has.alive == 1);
        const auto got = client.read_one();
        CHECK(got.body == body);
    }
    SECTION("a client that leaves gives it back")
    {
        client.send(get);
        REQUIRE(here.wait_for([&] { return here.server->in_flight() == 1; }));
        has.now.reset();
        client.close();
    }
    CHECK(here.wait_for([&] { return has.alive == 0; }));
    CHECK(here.wait_for([&] { return here.server->in_flight() == 0; }));
}

TEST_CASE("prepared: a client that takes its answer slowly but steadily is not cut, one that takes nothing is",
          "[http]")
{
    auto bounds = test::patient_limits();
    bounds.write = 60ms;
    store has{std::vector<std::string>(64, test::pattern(64 * 1024))};
    world here{has.answers(), bounds};
    auto client = here.connect();
    client.send(get);
    SECTION("slowly")
    {
        const auto begun = boot_clock::now();
        std::size_t took = 0;
        while (took < has.now->body().size() && boot_clock::now() - begun < 5s) {
            for (const auto until = boot_clock::now() + 15ms; boot_clock::now() < until;) here.loop.run_one_for(5ms);
            took += client.drop_some(256 * 1024);
        }
        CHECK(took > has.now->body().size());
        CHECK(boot_clock::now() - begun > 2 * bounds.write);
    }
    SECTION("nothing")
    {
        REQUIRE(here.wait_for([&] { return here.server->in_flight() == 1; }));
        CHECK(here.wait_for([&] { return here.server->connections() == 0; }));
        CHECK(has.now->owners() == 1);
    }
}

TEST_CASE("prepared: lines that do not fit are left out whole", "[http]")
{
    http::short_lines lines;
    CHECK(lines.append(std::string(200, 'a')));
    CHECK_FALSE(lines.append(std::string(57, 'b')));
    CHECK(lines.view() == std::string(200, 'a'));
    CHECK(lines.append(std::string(56, 'c')));
    CHECK(lines.view().size() == 256);
    CHECK_FALSE(lines.append("d"));
    CHECK(lines.append(""));
}
