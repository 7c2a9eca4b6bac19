// Commands that are answered late or never.

#include "tests/support/resp_server.hpp"
#include "tests/unit/redis/fixture.hpp"

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::test;
using namespace std::chrono_literals;
using redis::value;

namespace {

/// A server that keeps its answers until it is told to give them.
struct deadlines_fixture {
    boost::asio::io_context loop{1};
    resp_server server{loop};
    client_fixture with{loop, impatient(server.path())};
    std::vector<std::pair<resp_server::peer_ptr, std::string>> kept;

    deadlines_fixture()
    {
        server.on_command(
            [this](const auto& from, const auto& asked) { kept.emplace_back(from, resp_bulk(asked[1])); });
        with.connect();
    }

    void give()
    {
        for (const auto& [peer, bytes] : kept) peer->send(bytes);
        kept.clear();
    }
};

}  // namespace

TEST_CASE_METHOD(deadlines_fixture, "client: a command without an answer ends at its deadline as unknown", "[redis]")
{
    const auto unanswered = with.begin({"GET", "a"});
    REQUIRE(with.until([&] { return unanswered->outcome.has_value(); }));
    CHECK(unanswered->ended_with(errc::redis_outcome_unknown));
    const auto took = unanswered->ended - unanswered->begun;
    CHECK(took >= 40ms);
    CHECK(took < 1s);
    CHECK(with.metric("shoal_redis_errors_total{kind=\"outcome_unknown\"}") == 1);
}

TEST_CASE_METHOD(deadlines_fixture, "client: each command has its own deadline, the caller's when it is earlier",
                 "[redis]")
{
    const auto usual = with.begin({"GET", "a"});
    const auto hasty = with.begin({"GET", "b"}, boot_clock::now() + 10ms);
    const auto patient = with.begin({"GET", "c"}, boot_clock::now() + 1h);
    REQUIRE(with.until([&] { return hasty->outcome.has_value(); }));
    CHECK_FALSE(usual->outcome);
    REQUIRE(with.until([&] { return usual->outcome && patient->outcome; }));
    CHECK(hasty->ended_with(errc::redis_outcome_unknown));
    CHECK(patient->ended_with(errc::redis_outcome_unknown));
    CHECK(patient->ended - patient->begun >= 40ms);
}

TEST_CASE_METHOD(deadlines_fixture, "client: an impatient caller does not make the server suspect", "[redis]")
{
    const auto hasty = with.begin({"GET", "a"}, boot_clock::now() + 1ms);
    REQUIRE(with.until([&] { return hasty->outcome.has_value(); }));
    CHECK(hasty->ended_with(errc::redis_outcome_unknown));
    CHECK(with.client.available());
}

TEST_CASE_METHOD(deadlines_fixture, "client: nothing is sent after the caller's deadline", "[redis]")
{
    const auto before = server.commands().size();
    CHECK(with.run({"GET", "a"}, boot_clock::now() - 1ms).error() == errc::deadline_exceeded);
    CHECK(with.run({"GET", "a"}, boot_time{}).error() == errc::deadline_exceeded);
    loop.poll();
    CHECK(server.commands().size() == before);
    CHECK(with.metric("shoal_redis_errors_total{kind=\"deadline_exceeded\"}") == 2);
}

TEST_CASE_METHOD(deadlines_fixture, "client: a late reply is dropped and the next command gets its own", "[redis]")
{
    const auto late = with.begin({"GET", "late"}, boot_clock::now() + 5ms);
    REQUIRE(with.until([&] { return late->outcome.has_value(); }));
    const auto next = with.begin({"GET", "next"});
    REQUIRE(with.until([&] { return kept.size() == 2; }));
    give();
    REQUIRE(with.until([&] { return next->outcome.has_value(); }));
    CHECK(next->returned(std::string{"next"}));
    CHECK(late->ended_with(errc::redis_outcome_unknown));
    CHECK(with.metric("shoal_redis_pending") == 0);
}

TEST_CASE_METHOD(deadlines_fixture, "client: while the server is silent new commands fail at once, unsent", "[redis]")
{
    const auto first = with.begin({"GET", "a"});
    REQUIRE(with.until([&] { return first->outcome.has_value(); }));
    CHECK_FALSE(with.client.available());

    const auto before = server.commands().size();
    const auto refused = with.begin({"GET", "b"});
    REQUIRE(with.until([&] { return refused->outcome.has_value(); }));
    CHECK(refused->ended_with(errc::redis_unavailable));
    CHECK(refused->ended - refused->begun < 5ms);
    CHECK(server.commands().size() == before);
    CHECK(occurrences(with.logged(), "Redis does not answer") == 1);

    give();
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(occurrences(with.logged(), "Redis answers again") == 1);
    CHECK(server.connections() == 1);
    server.on_command(nullptr);
    CHECK(with.run({"GET", "c"}));
}

TEST_CASE_METHOD(deadlines_fixture, "client: a server that stays silent loses its connection", "[redis]")
{
    const auto first = with.begin({"GET", "a"});
    const auto begun = boot_clock::now();
    REQUIRE(with.until([&] { return server.connections() == 2; }));
    CHECK(boot_clock::now() - begun >= 240ms);
    CHECK(first->ended_with(errc::redis_outcome_unknown));
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(server.peers()[0]->closed());
    server.on_command(nullptr);
    CHECK(with.run({"GET", "b"}));
}

TEST_CASE_METHOD(deadlines_fixture, "client: a reply on an earlier connection reaches nobody", "[redis]")
{
    const auto first = with.begin({"GET", "old"});
    REQUIRE(with.until([&] { return server.connections() == 2 && with.client.available(); }));
    const auto second = with.begin({"GET", "new"});
    REQUIRE(with.until([&] { return kept.size() == 2; }));
    give();
    REQUIRE(with.until([&] { return second->outcome.has_value(); }));
    CHECK(second->returned(std::string{"new"}));
    CHECK(first->ended_with(errc::redis_outcome_unknown));
}

TEST_CASE("client: more commands than may be pending fail at once, unsent", "[redis]")
{
    boost::asio::io_context loop{1};
    resp_server server{loop};
    auto options = impatient(server.path());
    options.max_pending = 3;
    client_fixture with{loop, options};
    std::vector<resp_server::peer_ptr> waiting;
    server.on_command([&](const auto& from, const auto&) { waiting.push_back(from); });
    with.connect();

    std::vector<call_ptr> calls;
    for (int i = 0; i < 5; ++i) calls.push_back(with.begin({"PING"}));
    REQUIRE(with.until([&] { return waiting.size() == 3 && calls[4]->outcome; }));
    CHECK(calls[3]->ended_with(errc::redis_unavailable));
    CHECK(calls[4]->ended_with(errc::redis_unavailable));
    CHECK_FALSE(calls[0]->outcome);
    CHECK(with.metric("shoal_redis_pending") == 3);

    for (const auto& peer : waiting) peer->send("+PONG\r\n");
    REQUIRE(with.until([&] { return calls[2]->outcome.has_value(); }));
    CHECK(calls[2]->returned(std::string{"PONG"}));
    server.on_command(nullptr);
    CHECK(with.run({"PING"}));
}

TEST_CASE_METHOD(deadlines_fixture, "client: a slow script that answers in the end is not loaded again late", "[redis]")
{
    const redis::script code{"demo", "return 1"};
    const auto before = server.commands().size();
    const auto slow = with.begin_eval(code, {"k"});
    REQUIRE(with.until([&] { return slow->outcome.has_value(); }));
    CHECK(slow->ended_with(errc::redis_outcome_unknown));
    kept.back().second = "-NOSCRIPT late\r\n";
    give();
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(server.commands().size() == before + 1);
}
