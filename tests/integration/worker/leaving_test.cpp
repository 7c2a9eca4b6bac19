// What a worker lets its service do on its private socket and on its way out; with the real Redis.

#include "common/core/clock.hpp"
#include "common/redis/client.hpp"

#include "tests/integration/worker/acting.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>

using namespace shoal;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using stream = asio::local::stream_protocol;

TEST_CASE("worker: a service's own private paths stand beside the worker's", "[worker]")
{
    test::acting_worker world;
    world.service.private_routes.push_back({http::verb::get, "/-/acting/top", "top",
                                            [](http::request&) { return http::response{200}.body("a/b", "the top"); }});
    std::string own;
    std::string given;
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        own = co_await test::get(service, world.folder.file("a"), "/-/acting/top");
        given = co_await test::get(service, world.folder.file("a"), "/-/config");
    };
    REQUIRE(world.run() == 0);
    REQUIRE_THAT(own, Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("the top"));
    REQUIRE_THAT(given, Catch::StartsWith("HTTP/1.1 200 ") && Catch::Contains("\"workers\": {"));
}

TEST_CASE("worker: a private path outside of /-/ is a mistake of the service", "[worker]")
{
    test::acting_worker world;
    world.service.private_routes.push_back(
        {http::verb::get, "/top", "top", [](http::request&) { return http::response{200}; }});
    REQUIRE(world.run() == 1);
}

TEST_CASE("worker: a service gives back once, while Redis is still there", "[worker]")
{
    test::acting_worker world;
    bool answered = false;
    world.service.on_drain = [&](test::acting& service) -> asio::awaitable<void> {
        const std::array<std::string_view, 3> words{"SET", "given", "back"};
        const auto reply = co_await service.context->state.command(words);
        answered = reply.has_value();
    };
    REQUIRE(world.run() == 0);
    REQUIRE(world.service.drains == 1);
    REQUIRE(answered);
    REQUIRE_THAT(world.redis.ask("STRLEN given"), Catch::StartsWith(":4"));
}

TEST_CASE("worker: a service that never ends giving back holds the exit for a second", "[worker]")
{
    test::acting_worker world;
    world.service.on_drain = [](test::acting& service) { return service.pause(1h); };
    REQUIRE(world.run() == 0);
    REQUIRE(world.service.drains == 1);
    // A second of accepting, one of giving back, one for what is cut to unwind.
    REQUIRE(world.took < 5s);
}

TEST_CASE("worker: a second SIGTERM does not wait for the service", "[worker]")
{
    test::acting_worker world;
    boot_time again;
    world.service.on_drain = [&](test::acting& service) -> asio::awaitable<void> {
        again = boot_clock::now();
        std::raise(SIGTERM);
        co_await service.context->state.command(std::array<std::string_view, 2>{"GET", "x"});
        while (service.context->state.available()) co_await service.pause(1ms);
    };
    REQUIRE(world.run() == 0);
    REQUIRE(world.service.drains == 1);
    REQUIRE(boot_clock::now() - again < 900ms);
}

TEST_CASE("worker: a drain that was cut short gives nothing back", "[worker]")
{
    test::acting_worker world;
    int held = -1;
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        stream::socket socket{service.context->loop};
        co_await socket.async_connect(stream::endpoint{world.folder.file("w")}, asio::use_awaitable);
        // Half a request keeps the connection busy beyond the drain's deadline.
        co_await asio::async_write(socket, asio::buffer(std::string_view{"GET / HTTP/1.1\r\n"}), asio::use_awaitable);
        held = socket.release();
    };
    REQUIRE(world.run() == 0);
    close(held);
    REQUIRE(world.service.drains == 0);
}
