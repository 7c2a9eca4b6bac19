// What a worker lets its service do on its private socket and on its way out; with the real Redis.

#include "common/config/reader.hpp"
#include "common/core/clock.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "common/worker/service.hpp"

#include "tests/support/redis_server.hpp"
#include "tests/support/temp_folder.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

using namespace shoal;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using stream = asio::local::stream_protocol;

namespace {

/// Lets a test act once the worker serves, and when it drains.
class acting final : public worker::service {
public:
    using action = std::function<asio::awaitable<void>(acting&)>;

    [[nodiscard]] std::string_view name() const noexcept override { return "acting"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts&) override
    {
        section.done();
        return [] {};
    }
    [[nodiscard]] nlohmann::json effective() const override { return nlohmann::json::object(); }
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override
    {
        context = std::make_unique<worker::context>(from);
        from.tasks.spawn("test", act());
        return {};
    }
    [[nodiscard]] std::vector<http::route> admin_routes() override { return std::move(private_routes); }
    [[nodiscard]] asio::awaitable<void> drain() override
    {
        ++drains;
        if (on_drain) co_await on_drain(*this);
    }

    [[nodiscard]] asio::awaitable<void> pause(std::chrono::milliseconds time) const
    {
        asio::steady_timer timer{context->loop, time};
        co_await timer.async_wait(asio::use_awaitable);
    }

    std::string place;
    action once_serving;
    action on_drain;
    std::vector<http::route> private_routes;
    std::unique_ptr<worker::context> context;
    int drains = 0;
    boot_time told_to_end;

private:
    asio::awaitable<void> act()
    {
        const auto give_up = boot_clock::now() + 10s;
        while (!std::filesystem::exists(place) && boot_clock::now() < give_up) co_await pause(5ms);
        if (once_serving) co_await once_serving(*this);
        told_to_end = boot_clock::now();
        std::raise(SIGTERM);
    }
};

class leaving {
public:
    leaving() { service.place = folder.file("w"); }

    int run()
    {
        std::array<std::string, 11> words{"shoal-acting",
                                          "--name",
                                          "acting-1",
                                          "--listen",
                                          "unix:" + folder.file("w"),
                                          "--admin",
                                          "unix:" + folder.file("a"),
                                          "--redis-state",
                                          "unix:" + redis.path(),
                                          "--drain-deadline",
                                          "2s"};
        std::array<char*, 11> arguments{};
        std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
        const int exit_code = worker::run(static_cast<int>(arguments.size()), arguments.data(), service);
        took = boot_clock::now() - service.told_to_end;
        return exit_code;
    }

    test::temp_folder folder;
    test::redis_server redis;
    acting service;
    std::chrono::nanoseconds took{};
};

asio::awaitable<std::string> get(acting& from, std::string path, std::string target)
{
    stream::socket socket{from.context->loop};
    co_await socket.async_connect(stream::endpoint{path}, asio::use_awaitable);
    const std::string asked = "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(asked), asio::use_awaitable);
    std::string answer;
    boost::system::error_code ended;
    co_await asio::async_read(socket, asio::dynamic_buffer(answer), asio::redirect_error(asio::use_awaitable, ended));
    co_return answer;
}

}  // namespace

TEST_CASE("worker: a service's own private paths stand beside the worker's", "[worker]")
{
    leaving world;
    world.service.private_routes.push_back({http::verb::get, "/-/acting/top", "top",
                                            [](http::request&) { return http::response{200}.body("a/b", "the top"); }});
    std::string own;
    std::string given;
    world.service.once_serving = [&](acting& service) -> asio::awaitable<void> {
        own = co_await get(service, world.folder.file("a"), "/-/acting/top");
        given = co_await get(service, world.folder.file("a"), "/-/config");
    };
    REQUIRE(world.run() == 0);
    REQUIRE_THAT(own, Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("the top"));
    REQUIRE_THAT(given, Catch::StartsWith("HTTP/1.1 200 ") && Catch::Contains("\"workers\": {"));
}

TEST_CASE("worker: a private path outside of /-/ is a mistake of the service", "[worker]")
{
    leaving world;
    world.service.private_routes.push_back(
        {http::verb::get, "/top", "top", [](http::request&) { return http::response{200}; }});
    REQUIRE(world.run() == 1);
}

TEST_CASE("worker: a service gives back once, while Redis is still there", "[worker]")
{
    leaving world;
    bool answered = false;
    world.service.on_drain = [&](acting& service) -> asio::awaitable<void> {
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
    leaving world;
    world.service.on_drain = [](acting& service) { return service.pause(1h); };
    REQUIRE(world.run() == 0);
    REQUIRE(world.service.drains == 1);
    // A second of accepting, one of giving back, one for what is cut to unwind.
    REQUIRE(world.took < 5s);
}

TEST_CASE("worker: a second SIGTERM does not wait for the service", "[worker]")
{
    leaving world;
    boot_time again;
    world.service.on_drain = [&](acting& service) -> asio::awaitable<void> {
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
    leaving world;
    int held = -1;
    world.service.once_serving = [&](acting& service) -> asio::awaitable<void> {
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
