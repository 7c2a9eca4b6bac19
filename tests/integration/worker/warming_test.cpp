// What a worker lets its service do before it takes its place over; with the real Redis.

#include "common/core/clock.hpp"
#include "common/redis/client.hpp"

#include "tests/integration/worker/acting.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

using namespace shoal;
using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("worker: a service warms once, before anything listens", "[worker]")
{
    test::acting_worker world;
    int warmed = 0;
    bool listened = true;
    std::string told;
    world.service.on_warm = [&](test::acting& service, worker::succession from) -> asio::awaitable<void> {
        told = from.admin_path;
        CHECK(service.context->state.available());
        co_await service.pause(50ms);
        listened = std::filesystem::exists(world.folder.file("w")) || std::filesystem::exists(world.folder.file("a"));
        CHECK_FALSE(from.over.stop_requested());
        ++warmed;
    };
    REQUIRE(world.run() == 0);
    CHECK(warmed == 1);
    CHECK_FALSE(listened);
    CHECK(told == world.folder.file("a"));
}

TEST_CASE("worker: a service reaches the process that has the place", "[worker]")
{
    test::acting_worker world;
    std::optional<bool> answered;
    world.service.on_warm = [&](test::acting& service, worker::succession from) -> asio::awaitable<void> {
        answered = co_await test::accepts(service, from.admin_path);
    };
    REQUIRE(world.run() == 0);
    CHECK(answered == false);
}

TEST_CASE("worker: a service that is slow to warm is not waited for", "[worker]")
{
    test::acting_worker world;
    bool served = false;
    bool over = false;
    world.service.on_warm = [&](test::acting& service, worker::succession from) -> asio::awaitable<void> {
        while (!from.over.stop_requested()) co_await service.pause(1ms);
        over = true;
        co_await service.pause(1h);
    };
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        served = co_await test::accepts(service, world.folder.file("w"));
    };
    REQUIRE(world.run({"--warm-deadline", "1"}) == 0);
    CHECK(over);
    CHECK(served);
}

TEST_CASE("worker: a service that fails to warm serves", "[worker]")
{
    test::acting_worker world;
    bool served = false;
    world.service.on_warm = [](test::acting&, worker::succession) -> asio::awaitable<void> {
        throw std::runtime_error{"not today"};
        co_return;
    };
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        served = co_await test::accepts(service, world.folder.file("w"));
    };
    REQUIRE(world.run({"--warm-deadline", "60"}) == 0);
    CHECK(served);
}

TEST_CASE("worker: one that is told to end while it warms never takes its place over", "[worker]")
{
    test::acting_worker world;
    boot_time told;
    bool over = false;
    world.service.on_warm = [&](test::acting& service, worker::succession from) -> asio::awaitable<void> {
        told = boot_clock::now();
        std::raise(SIGTERM);
        while (!from.over.stop_requested()) co_await service.pause(1ms);
        over = true;
    };
    REQUIRE(world.run({"--warm-deadline", "60"}) == 0);
    CHECK(over);
    CHECK(boot_clock::now() - told < 10s);
    CHECK_FALSE(std::filesystem::exists(world.folder.file("w")));
    CHECK(world.service.drains == 0);
}
