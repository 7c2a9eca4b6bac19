// Connections: kept, bounded, waited for, and not trusted for having been open once.

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/unit/cache_origin/fixture.hpp"
#include "tests/unit/cache_origin/scripted_origin.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using test::scripted_origin;
using peer = scripted_origin::peer_ptr;

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

}  // namespace

TEST_CASE("origin pool: a connection that the origin closed meanwhile is noticed", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(good);
    test::origin_fixture client{loop, test::patient({server.address()})};
    CHECK(client.fetch()->body == "good");
    server.peers()[0]->close();
    auto what = test::get();
    what.idempotent = false;
    const auto got = client.fetch(std::move(what));
    CHECK(got->body == "good");
    CHECK(server.peers().size() == 2);
    CHECK(client.connections() == 1);
}

TEST_CASE("origin pool: a request that a used connection ended under is sent once more, if that is safe", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    // Every connection answers one request and ends at the second.
    const bool reset = GENERATE(false, true);
    server.on_request([reset](const peer& from, const std::string&) {
        if (from->requests == 1) return from->send(good);
        reset ? from->reset() : from->close();
    });
    test::origin_fixture client{loop, test::patient({server.address()})};
    CHECK(client.fetch()->body == "good");
    SECTION("an idempotent one")
    {
        CHECK(client.fetch()->body == "good");
        CHECK(server.heads().size() == 3);
        CHECK(client.failures("lost") == 0);
    }
    SECTION("no other")
    {
        auto what = test::get();
        what.idempotent = false;
        const auto got = client.fetch(std::move(what));
        CHECK(got->error == errc::origin_lost);
        CHECK(server.heads().size() == 2);
        CHECK(client.failures("lost") == 1);
    }
    SECTION("nor one with a body")
    {
        auto what = test::post({"hello"});
        what.idempotent = true;
        const auto got = client.fetch(std::move(what));
        CHECK(got->error == errc::origin_lost);
        CHECK(server.heads().size() == 2);
    }
}

TEST_CASE("origin pool: sent once more, and not again", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(good);
    test::origin_fixture client{loop, test::patient({server.address()})};
    CHECK(client.fetch()->body == "good");
    server.on_request([](const peer& from, const std::string&) { from->close(); });
    CHECK(client.fetch()->error == errc::origin_lost);
    CHECK(server.heads().size() == 3);
}

TEST_CASE("origin pool: an answer that began is not asked for again", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(good);
    test::origin_fixture client{loop, test::patient({server.address()})};
    CHECK(client.fetch()->body == "good");
    server.on_request([](const peer& from, const std::string&) {
        from->send("H");
        from->close();
    });
    CHECK(client.fetch()->error == errc::origin_lost);
    CHECK(server.heads().size() == 2);
}

TEST_CASE("origin pool: connections and who waits for them are bounded", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    std::vector<peer> asking;
    server.on_request([&](const peer& from, const std::string&) { asking.push_back(from); });
    auto chosen = test::patient({server.address()});
    chosen.bounds.connections = 2;
    test::origin_fixture client{loop, chosen};

    std::vector<test::fetched_ptr> all;
    for (int i = 0; i < 4; ++i) all.push_back(client.begin(test::get()));
    REQUIRE(client.until([&] { return asking.size() == 2; }));
    // Two are served and two wait: there is no place for a fifth.
    const auto refused = client.fetch();
    CHECK(refused->error == errc::origin_busy);
    CHECK(client.failures("busy") == 1);
    CHECK(server.peers().size() == 2);
    CHECK(client.connections() == 2);

    asking[0]->send(good);
    REQUIRE(client.until([&] { return asking.size() == 3; }));
    // The next in line got the same connection.
    CHECK(asking[2] == asking[0]);
    // One that ends makes room as well.
    asking[1]->close();
    REQUIRE(client.until([&] { return asking.size() == 4; }));
    CHECK(server.peers().size() == 3);
    asking[2]->send(good);
    asking[3]->send(good);
    REQUIRE(
        client.until([&] { return std::ranges::all_of(all, [](const test::fetched_ptr& one) { return one->done; }); }));
    CHECK(all[1]->error == errc::origin_lost);
    for (const int i : {0, 2, 3}) CHECK(all[static_cast<std::size_t>(i)]->body == "good");
    CHECK(client.connections() == 2);
}

TEST_CASE("origin pool: nobody waits for a connection longer than for a connect", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    auto chosen = test::patient({server.address()});
    chosen.bounds.connections = 1;
    chosen.bounds.connect = 30ms;
    test::origin_fixture client{loop, chosen};
    const auto first = client.begin(test::get());
    REQUIRE(client.until([&] { return !server.heads().empty(); }));
    const auto second = client.fetch();
    CHECK(second->error == errc::origin_busy);
    CHECK(second->took >= 30ms);
    server.peers()[0]->send(good);
    CHECK(client.wait(first)->body == "good");
}

TEST_CASE("origin pool: after a load, no more are open than were needed, and none is once they idled", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(good);
    auto chosen = test::patient({server.address()});
    chosen.bounds.connections = 8;
    chosen.bounds.idle = 50ms;
    test::origin_fixture client{loop, chosen};
    std::vector<test::fetched_ptr> all;
    for (int i = 0; i < 16; ++i) all.push_back(client.begin(test::get()));
    REQUIRE(client.until(
        [&] { return std::ranges::all_of(all, [](const test::fetched_ptr& one) { return one->body == "good"; }); }));
    CHECK(server.peers().size() <= 8);
    CHECK(client.connections() <= 8);
    REQUIRE(client.until([&] { return client.connections() == 0; }));
    REQUIRE(client.until([&] { return server.open_peers() == 0; }));
    CHECK(client.fetch()->body == "good");
}

TEST_CASE("origin pool: dropping an answer before its end closes its connection", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    test::origin_fixture client{loop, test::patient({server.address()})};
    const auto got = client.fetch(test::get(), true);
    CHECK(got->status == 200);
    CHECK(got->rest->ready());
    got->rest.reset();
    CHECK(client.connections() == 0);
    CHECK(client.until([&] { return server.peers()[0]->ended(); }));
    CHECK(client.healthy(server.address()) == 1);
}

TEST_CASE("origin pool: the connection of an answer that has come whole is free before it is read", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(good);
    auto chosen = test::patient({server.address()});
    chosen.bounds.connections = 1;
    test::origin_fixture client{loop, chosen};
    const auto first = client.fetch(test::get(), true);
    CHECK(client.fetch()->body == "good");
    client.read_rest(first);
    CHECK(first->body == "good");
    CHECK(server.peers().size() == 1);
}

TEST_CASE("origin pool: an answer outlives its origin", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nA: b\r\n\r\ngood");
    test::origin_fixture client{loop, test::patient({server.address()})};
    CHECK(client.connections() == 0);
    const auto got = client.fetch(test::get(), true);
    CHECK(client.connections() == 1);
    client.client.reset();
    CHECK(client.connections() == 0);
    server.peers()[0]->send("work");
    client.read_rest(got);
    CHECK(got->body == "goodwork");
    CHECK(!got->error);
    CHECK(client.connections() == 0);
    CHECK(client.until([&] { return server.open_peers() == 0; }));
}

TEST_CASE("origin pool: stop() closes what is idle, and what is in flight ends", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(good);
    test::origin_fixture client{loop, test::patient({server.address()})};
    const auto one = client.begin(test::get());
    const auto two = client.begin(test::get());
    (void)client.wait(one);
    (void)client.wait(two);
    server.on_request([](const peer&, const std::string&) {});
    const auto late = client.begin(test::get());
    REQUIRE(client.until([&] { return server.heads().size() == 3; }));
    client.client->stop();
    CHECK(client.connections() == 1);
    for (const auto& each : server.peers())
        if (each->open()) each->send(good);
    CHECK(client.wait(late)->body == "good");
    CHECK(client.connections() == 0);
}
