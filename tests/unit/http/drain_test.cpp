// How a server ends without failing a request.

#include <catch2/catch.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <netinet/tcp.h>

#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using test::world;

const std::string get_root{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"};

}  // namespace

TEST_CASE("drain: every answer closes its connection, and new ones are still served", "[http]")
{
    world here;
    auto old = here.connect();
    old.send(get_root);
    CHECK(old.read_one().header("connection").empty());
    here.server->begin_drain();
    old.send(get_root);
    auto fresh = here.connect();
    fresh.send(get_root);
    for (auto* one : {&old, &fresh}) {
        const auto answers = one->read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == 200);
        CHECK(answers[0].header("connection") == "close");
    }
}

TEST_CASE("drain: connections that wait in the backlog are served before the listener closes", "[http]")
{
    world here;
    REQUIRE(here.wait_for([&] { return here.tasks.running() == 1; }));
    here.loop.poll();
    std::vector<test::client> queued;
    for (int i = 0; i < 150; ++i) {
        queued.push_back(here.connect());
        queued.back().send(get_root);
    }
    REQUIRE(here.server->connections() == 0);
    here.server->begin_drain();
    here.server->stop_listening();
    CHECK(here.server->connections() == 150);
    CHECK_THROWS(here.connect());
    for (auto& one : queued) {
        const auto answers = one.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == 200);
        one.close();
    }
    CHECK(here.wait_for([&] { return here.server->connections() == 0 && here.tasks.running() == 0; }));
}

TEST_CASE("drain: an idle connection is kept until it has been idle for long enough", "[http]")
{
    world here;
    auto idle = here.connect();
    idle.send(get_root);
    (void)idle.read_one();
    auto silent = here.connect();
    REQUIRE(here.wait_for([&] { return here.server->connections() == 2; }));
    here.server->begin_drain();
    here.server->stop_listening();
    here.server->close_idle(10s);
    here.loop.poll();
    CHECK(here.server->connections() == 2);
    CHECK_FALSE(idle.ended());
    here.server->close_idle(0ms);
    CHECK(here.wait_for([&] { return here.server->connections() == 0; }));
    CHECK(idle.read_to_end().empty());
    CHECK(silent.read_to_end().empty());
}

TEST_CASE("drain: a request that has arrived but was not looked at is not closed as idle", "[http]")
{
    world here;
    auto client = here.connect();
    client.send(get_root);
    (void)client.read_one();
    client.send(get_root);
    here.server->close_idle(0ms);
    CHECK(client.read_one().status == 200);
}

TEST_CASE("drain: a connection in the middle of a request is not idle", "[http]")
{
    world here;
    auto client = here.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    REQUIRE(here.wait_for([&] { return here.server->connections() == 1; }));
    here.loop.poll();
    here.server->begin_drain();
    here.server->close_idle(0ms);
    client.send("llo");
    CHECK(client.read_one().body == "hello");
}

TEST_CASE("drain: abort ends everything at once", "[http]")
{
    world here;
    auto idle = here.connect();
    auto reading = here.connect();
    auto handling = here.connect();
    reading.send("GET / HT");
    handling.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    REQUIRE(here.wait_for([&] { return here.server->in_flight() == 1; }));
    here.server->abort();
    CHECK(here.wait_for([&] { return here.server->connections() == 0 && here.tasks.running() == 0; }));
    for (auto* one : {&idle, &reading, &handling}) CHECK(one->ended());
    CHECK(here.server->in_flight() == 0);
}

TEST_CASE("drain: the loop runs out of work once the last connection is gone", "[http]")
{
    world here;
    auto client = here.connect();
    client.send(get_root);
    (void)client.read_one();
    here.server->begin_drain();
    here.server->stop_listening();
    client.close();
    const auto begun = boot_clock::now();
    here.loop.run_for(5s);
    CHECK(here.loop.stopped());
    CHECK(boot_clock::now() - begun < 4s);
}

TEST_CASE("drain: the time of the last request is known", "[http]")
{
    world here;
    const auto started = here.server->last_request();
    auto client = here.connect();
    REQUIRE(here.wait_for([&] { return here.server->connections() == 1; }));
    CHECK(here.server->last_request() == started);
    client.send(get_root);
    (void)client.read_one();
    CHECK(here.server->last_request() > started);
}

TEST_CASE("server: it listens on TCP as well, on a free port if none is asked for", "[http]")
{
    world here;
    const auto port = here.server->listen_tcp("127.0.0.1", 0);
    REQUIRE(port != 0);
    CHECK_THROWS_AS(here.server->listen_tcp("localhost", 0), boost::system::system_error);
    here.server->start();
    boost::asio::ip::tcp::socket client{here.loop};
    client.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    boost::asio::write(client, boost::asio::buffer(get_root));
    std::string got;
    boost::asio::async_read_until(client, boost::asio::dynamic_buffer(got), "root", [](auto, auto) {});
    CHECK(here.wait_for([&] { return got.ends_with("root"); }));
    CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
}
