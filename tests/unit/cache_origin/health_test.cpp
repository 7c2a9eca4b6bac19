// Which server a request goes to: the rules on a manual clock, then with real servers.

#include <catch2/catch.hpp>

#include "services/cache/origin/health.hpp"
#include "tests/unit/cache_origin/fixture.hpp"
#include "tests/unit/cache_origin/scripted_origin.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using cache::origin::candidate;
using cache::origin::choose;
using cache::origin::health;
using test::scripted_origin;
using peer = scripted_origin::peer_ptr;

constexpr boot_time start{1h};

std::string answer_of(const std::string& body)
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void fail_times(health& one, int times, boot_time now)
{
    for (int i = 0; i < times; ++i) one.failed(now);
}

}  // namespace

TEST_CASE("origin health: three failures in a row, and a server is out for a second", "[origin]")
{
    health one;
    fail_times(one, 2, start);
    one.succeeded();
    fail_times(one, 2, start);
    CHECK(one.healthy());
    one.failed(start);
    CHECK_FALSE(one.healthy());
    CHECK_FALSE(one.due(start + 999ms));
    CHECK(one.due(start + 1s));
}

TEST_CASE("origin health: each probe that fails doubles the pause, up to thirty seconds", "[origin]")
{
    health one;
    fail_times(one, 3, start);
    auto now = start + 1s;
    for (const auto pause : {2s, 4s, 8s, 16s, 30s, 30s}) {
        REQUIRE(one.due(now));
        one.begin_probe(now);
        // One at a time.
        CHECK_FALSE(one.due(now));
        // Others that were under way change nothing.
        fail_times(one, 5, now);
        CHECK_FALSE(one.due(now + pause - 1ms));
        now += pause;
    }
    one.begin_probe(now);
    one.answered();
    CHECK(one.healthy());
    one.succeeded();
    fail_times(one, 3, now);
    CHECK(one.due(now + 1s));
}

TEST_CASE("origin health: heads without their bodies bring a server back, and out again for longer", "[origin]")
{
    health one;
    fail_times(one, 3, start);
    one.begin_probe(start + 1s);
    one.answered();
    CHECK(one.healthy());
    for (int i = 0; i < 3; ++i) {
        one.answered();
        one.failed(start + 1s);
    }
    CHECK_FALSE(one.healthy());
    CHECK_FALSE(one.due(start + 2900ms));
    CHECK(one.due(start + 3s));
}

TEST_CASE("origin health: with checks, only a check brings a server back", "[origin]")
{
    health one{{.checked = true}};
    fail_times(one, 3, start);
    CHECK_FALSE(one.due(start + 1h));
    one.answered();
    one.succeeded();
    CHECK_FALSE(one.healthy());
    one.passed();
    CHECK(one.healthy());
}

TEST_CASE("origin health: healthy servers take turns, those with room first", "[origin]")
{
    std::vector<health> of(3);
    std::vector<candidate> seen{{&of[0]}, {&of[1]}, {&of[2]}};
    CHECK(choose(seen, 0, start) == 0);
    CHECK(choose(seen, 1, start) == 1);
    CHECK(choose(seen, 2, start) == 2);
    seen[1].full = true;
    CHECK(choose(seen, 1, start) == 2);
    seen[0].full = seen[2].full = true;
    CHECK(choose(seen, 1, start) == 1);
    seen[1].tried = true;
    CHECK(choose(seen, 1, start) == 2);
    for (auto& one : seen) one.tried = true;
    CHECK_FALSE(choose(seen, 1, start));
}

TEST_CASE("origin health: one that is due is asked first, one that is out only when nobody else is left", "[origin]")
{
    std::vector<health> of(3);
    fail_times(of[0], 3, start);
    fail_times(of[1], 3, start + 100ms);
    std::vector<candidate> seen{{&of[0]}, {&of[1]}, {&of[2]}};
    CHECK(choose(seen, 0, start + 200ms) == 2);
    CHECK(choose(seen, 0, start + 1s) == 0);
    fail_times(of[2], 3, start + 50ms);
    // None is healthy: the one that failed the longest ago.
    CHECK(choose(seen, 1, start + 200ms) == 0);
    seen[0].tried = true;
    CHECK(choose(seen, 1, start + 200ms) == 2);
}

TEST_CASE("origin servers: requests take turns, and leave out who is dead until it is back", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin a{loop};
    scripted_origin b{loop, scripted_origin::kind::tcp};
    a.always(answer_of("a"));
    b.always(answer_of("b"));
    test::origin_fixture client{loop, test::patient({a.address(), b.address()})};
    std::string seen;
    for (int i = 0; i < 4; ++i) seen += client.fetch()->body;
    CHECK((seen == "abab" || seen == "baba"));

    b.stop_listening();
    for (const auto& one : b.peers()) one->close();
    seen.clear();
    for (int i = 0; i < 10; ++i) seen += client.fetch()->body;
    CHECK(seen == "aaaaaaaaaa");
    CHECK(client.healthy(b.address()) == 0);
    CHECK(client.healthy(a.address()) == 1);
    CHECK(client.failures("unreachable") == 0);

    b.listen_again();
    CHECK(client.until([&] { return client.fetch()->body == "b"; }));
    CHECK(client.healthy(b.address()) == 1);
}

TEST_CASE("origin servers: when all are out they are tried anyway, and an outage ends by itself", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin a{loop};
    scripted_origin b{loop};
    a.stop_listening();
    b.stop_listening();
    test::origin_fixture client{loop, test::patient({a.address(), b.address()})};
    for (int i = 0; i < 6; ++i) CHECK(client.fetch()->error == errc::origin_unreachable);
    CHECK(client.healthy(a.address()) == 0);
    CHECK(client.healthy(b.address()) == 0);
    b.listen_again();
    b.always(answer_of("b"));
    CHECK(client.fetch()->body == "b");
    CHECK(client.healthy(b.address()) == 1);
}

TEST_CASE("origin servers: time-outs and resets count, and what one request does not get is not sent to another",
          "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin a{loop};
    scripted_origin b{loop};
    b.always(answer_of("b"));
    a.on_request([](const peer& from, const std::string&) { from->close(); });
    test::origin_fixture client{loop, test::patient({a.address(), b.address()})};
    int lost = 0;
    for (int i = 0; i < 12; ++i) lost += client.fetch()->error == errc::origin_lost ? 1 : 0;
    CHECK(lost == 3);
    CHECK(a.heads().size() == 3);
    CHECK(client.healthy(a.address()) == 0);
}

TEST_CASE("origin servers: checks take one out for its status, and back in", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin a{loop};
    std::string status = "503 Down";
    std::string asked;
    a.on_request([&](const peer& from, const std::string& head) {
        const bool check = head.starts_with("GET /health ");
        if (check) asked = head;
        from->send("HTTP/1.1 " + (check ? status : "200 OK") + "\r\nContent-Length: 0\r\n\r\n");
    });
    auto chosen = test::patient({a.address()});
    chosen.check =
        cache::origin::active_check{.path = "/health", .host = "app.example", .interval = 5ms, .timeout = 60s};
    test::origin_fixture client{loop, chosen};
    client.client->start();
    REQUIRE(client.until([&] { return client.healthy(a.address()) == 0; }));
    CHECK(asked.starts_with("GET /health HTTP/1.1\r\nHost: app.example\r\n"));
    // It is the only one, so it is asked all the same; its answers to requests don't bring it back.
    CHECK(client.fetch()->status == 200);
    CHECK(client.healthy(a.address()) == 0);
    status = "204 Fine";
    CHECK(client.until([&] { return client.healthy(a.address()) == 1; }));
    client.client->stop();
    CHECK(client.until([&] { return client.tasks.running() == 0; }));
}
