// Time, connections, descriptors: what is bounded, and what happens beyond.

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using test::world;

const std::string get_root{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"};

/// Restores the limit of open descriptors.
class descriptor_limit {
public:
    explicit descriptor_limit(rlim_t most)
    {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit now{most, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
    }
    ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    descriptor_limit(const descriptor_limit&) = delete;
    descriptor_limit& operator=(const descriptor_limit&) = delete;

private:
    rlimit before_{};
};

rlim_t lowest_free_descriptor()
{
    const int probe = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(probe);
    return static_cast<rlim_t>(probe);
}

}  // namespace

TEST_CASE("limits: a request that does not come in time is answered 408", "[http]")
{
    auto bounds = test::patient_limits();
    std::string sent;
    SECTION("no byte at all")
    {
        bounds.first_byte = 30ms;
    }
    SECTION("half a head")
    {
        bounds.headers = 30ms;
        sent = "GET / HTTP/1.1\r\nHo";
    }
    SECTION("half a body")
    {
        bounds.whole_body = 30ms;
        sent = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe";
    }
    SECTION("half a chunk")
    {
        bounds.whole_body = 30ms;
        sent = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe";
    }
    world here{bounds};
    const auto begun = boot_clock::now();
    auto client = here.connect();
    client.send(sent);
    const auto answers = client.read_to_end();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 408);
    CHECK(answers[0].header("connection") == "close");
    CHECK(boot_clock::now() - begun >= 30ms);
    CHECK(here.metric(R"(shoal_http_rejected_total{server="public",reason="timeout"})") == 1);
}

TEST_CASE("limits: bytes that trickle in do not put the end off", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.headers = 50ms;
    world here{bounds};
    auto client = here.connect();
    client.send("GET / HTTP/1.1\r\n");
    const bool ended = here.wait_for([&] {
        client.send("A");
        here.loop.run_one_for(1ms);
        return client.ended();
    });
    CHECK(ended);
    CHECK(client.raw().starts_with("HTTP/1.1 4"));
}

TEST_CASE("limits: an idle connection is closed without a word", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.idle = 30ms;
    world here{bounds};
    auto client = here.connect();
    client.send(get_root);
    const auto answers = client.read_to_end();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 200);
    CHECK(answers[0].header("connection").empty());
}

TEST_CASE("limits: a connection that is used is not idle, however long it lasts", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.idle = 60ms;
    world here{bounds};
    auto client = here.connect();
    for (const auto end = boot_clock::now() + 200ms; boot_clock::now() < end;) {
        client.send(get_root);
        REQUIRE(client.read_one().status == 200);
        here.loop.run_one_for(5ms);
    }
    client.send(get_root);
    CHECK(client.read_one().status == 200);
}

TEST_CASE("limits: a suspended handler is not cut by the limits on reading", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.first_byte = bounds.headers = bounds.whole_body = bounds.idle = 20ms;
    auto routes = world::default_routes();
    routes.push_back({http::verb::get, "/60ms", "60ms", [](http::request&) -> http::reply {
                          return [](std::chrono::milliseconds time) -> boost::asio::awaitable<http::response> {
                              boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, time};
                              co_await timer.async_wait(boost::asio::use_awaitable);
                              co_return http::response{200}.body("text/plain", "done");
                          }(60ms);
                      }});
    world here{bounds, std::move(routes)};
    auto client = here.connect();
    client.send("GET /60ms HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_one().body == "done");
}

TEST_CASE("limits: a client that does not take its answer is cut", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.write = 40ms;
    bounds.body = 4 * 1024 * 1024;
    world here{bounds};
    auto client = here.connect();
    const std::string large(3 * 1024 * 1024, 'x');
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n" +
                large);
    REQUIRE(here.wait_for([&] { return here.server->in_flight() == 1; }));
    CHECK(here.wait_for([&] { return here.server->connections() == 0; }));
    CHECK(here.server->in_flight() == 0);
}

TEST_CASE("limits: a client that takes its answer slowly but in time gets all of it", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.body = 4 * 1024 * 1024;
    world here{bounds};
    auto client = here.connect();
    std::string large(3 * 1024 * 1024, 'x');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n" +
                large + get_root);
    const auto answers = client.read(2);
    CHECK(answers[0].body == large);
    CHECK(answers[1].body == "root");
}

TEST_CASE("limits: a connection too many is answered 503 with Retry-After, and the others go on", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.connections = 2;
    world here{bounds};
    auto first = here.connect();
    auto second = here.connect();
    REQUIRE(here.wait_for([&] { return here.server->connections() == 2; }));
    auto third = here.connect();
    third.send(get_root);
    const auto answers = third.read_to_end();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 503);
    CHECK(answers[0].header("retry-after") == "1");
    CHECK(answers[0].header("content-type") == "application/problem+json");
    third.close();
    first.send(get_root);
    CHECK(first.read_one().status == 200);
    second.close();
    REQUIRE(here.wait_for([&] { return here.server->connections() == 1; }));
    auto fourth = here.connect();
    fourth.send(get_root);
    CHECK(fourth.read_one().status == 200);
    CHECK(here.metric(R"(shoal_http_connections{server="public"})") == 2);
    CHECK(here.metric(R"(shoal_http_connections_total{server="public"})") == 4);
    CHECK(here.metric(R"(shoal_http_rejected_total{server="public",reason="connections"})") == 1);
}

TEST_CASE("limits: without free descriptors the accept loop waits and does not spin or end", "[http]")
{
    world here;
    auto first = here.connect();
    auto second = here.connect();
    const auto exhausted = R"(shoal_http_rejected_total{server="public",reason="descriptors"})";
    {
        const descriptor_limit none{lowest_free_descriptor()};
        REQUIRE(here.wait_for([&] { return here.metric(exhausted) >= 2; }));
        CHECK(here.server->connections() == 0);
        // Twice means a pause of 50 ms in between: no more handlers than the sweeps and the accepts.
        const auto end = boot_clock::now() + 120ms;
        int turns = 0;
        while (boot_clock::now() < end) turns += static_cast<int>(here.loop.run_one_for(20ms));
        CHECK(turns < 20);
    }
    first.send(get_root);
    second.send(get_root);
    CHECK(first.read_one().status == 200);
    CHECK(second.read_one().status == 200);
}

TEST_CASE("limits: a unix socket is for its owner alone from the start", "[http]")
{
    world here;
    struct stat facts {};
    REQUIRE(::stat(here.path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    CHECK_THROWS_AS(here.server->listen_unix(here.path), boost::system::system_error);
}
