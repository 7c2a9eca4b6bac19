// A worker that stands before sites: its second front, and the Redis that it can do without.

#include "common/core/bytes.hpp"
#include "common/http/exchange.hpp"
#include "common/redis/client.hpp"

#include "tests/integration/worker/acting.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

using namespace shoal;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

http::streamed_reply echo(http::request& asked, http::exchange&)
{
    return http::response{200}.body("text/plain", "site " + std::string{asked.target});
}

std::vector<std::string> before_sites(const test::acting_worker& world)
{
    return {"--listen-site", "unix:" + world.folder.file("s")};
}

}  // namespace

TEST_CASE("worker: whatever comes to the front for sites is the service's, also below /-/", "[worker]")
{
    test::acting_worker world;
    world.service.on_site = echo;
    std::vector<std::string> answers;
    std::string shown;
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        for (const auto* target : {"/", "/-/ready", "/-/live?x", "/v1/acting"})
            answers.push_back(co_await test::get(service, world.folder.file("s"), target));
        shown = co_await test::get(service, world.folder.file("a"), "/-/config");
    };
    REQUIRE(world.run(before_sites(world)) == 0);
    REQUIRE(answers.size() == 4);
    CHECK_THAT(answers[0], Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("site /"));
    CHECK_THAT(answers[1], Catch::EndsWith("site /-/ready"));
    CHECK_THAT(answers[2], Catch::EndsWith("site /-/live?x"));
    CHECK_THAT(answers[3], Catch::EndsWith("site /v1/acting"));
    CHECK_THAT(shown, Catch::Contains("\"listen_site\": [\n    \"unix:" + world.folder.file("s")));
}

TEST_CASE("worker: sockets for sites and a service that has none end at once", "[worker]")
{
    test::acting_worker world;
    REQUIRE(world.run(before_sites(world)) == 1);
}

TEST_CASE("worker: an answer of a site that is on its way is finished by a worker that drains", "[worker]")
{
    test::acting_worker world;
    bool streamed = false;
    world.service.on_site = [&](http::request&, http::exchange& to) -> http::streamed_reply {
        return [](test::acting_worker& from, http::exchange& out, bool& whole) -> asio::awaitable<void> {
            const auto begun = co_await out.begin({.status = 200, .lines = "", .length = 4});
            const auto first = co_await out.write(share("to"));
            std::raise(SIGTERM);
            // Until nobody but those that are being answered is left to drain.
            while (co_await test::accepts(from.service, from.folder.file("w"))) co_await from.service.pause(10ms);
            const auto second = co_await out.write(share("ld"));
            const auto end = co_await out.end("");
            whole = begun && first && second && end;
        }(world, to, streamed);
    };
    std::string answer;
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        answer = co_await test::get(service, world.folder.file("s"), "/");
    };
    REQUIRE(world.run(before_sites(world)) == 0);
    CHECK(streamed);
    CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("told"));
}

TEST_CASE("worker: while it drains, its front for sites answers and closes", "[worker]")
{
    test::acting_worker world;
    world.service.on_site = echo;
    std::string ready;
    std::string answer;
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        std::raise(SIGTERM);
        while (!ready.starts_with("HTTP/1.1 404 "))
            ready = co_await test::get(service, world.folder.file("a"), "/-/ready");
        answer = co_await test::get(service, world.folder.file("s"), "/late", "");
    };
    REQUIRE(world.run(before_sites(world)) == 0);
    CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("site /late") &&
                           Catch::Contains("\r\nConnection: close\r\n"));
}

TEST_CASE("worker: nobody waits for a second level that is away", "[worker]")
{
    test::acting_worker world;
    world.service.on_site = echo;
    std::string ready;
    std::string metrics;
    bool available = true;
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        ready = co_await test::get(service, world.folder.file("a"), "/-/ready");
        metrics = co_await test::get(service, world.folder.file("a"), "/-/metrics");
        available = service.context->l2->available();
    };
    auto words = before_sites(world);
    words.insert(words.end(), {"--redis-l2", "unix:" + world.folder.file("absent")});
    REQUIRE(world.run(words) == 0);
    CHECK_THAT(ready, Catch::StartsWith("HTTP/1.1 200 "));
    CHECK_FALSE(available);
    CHECK_THAT(metrics, Catch::Contains("shoal_redis_connected{instance=\"state\"} 1") &&
                            Catch::Contains("shoal_redis_connected{instance=\"l2\"} 0"));
}

TEST_CASE("worker: a service is lent both levels, its place's name and its process' own", "[worker]")
{
    test::acting_worker world;
    test::redis_server second;
    bool stored = false;
    world.service.once_serving = [&](test::acting& service) -> asio::awaitable<void> {
        while (!service.context->l2->available()) co_await service.pause(1ms);
        const std::array<std::string_view, 3> words{"SET", "kept", "here"};
        stored = (co_await service.context->l2->command(words)).has_value();
    };
    REQUIRE(world.run({"--redis-l2", "unix:" + second.path()}) == 0);
    REQUIRE(stored);
    CHECK_THAT(second.ask("STRLEN kept"), Catch::StartsWith(":4"));
    CHECK_THAT(world.redis.ask("EXISTS kept"), Catch::StartsWith(":0"));
    const auto& lent = *world.service.context;
    CHECK(lent.worker_name == "acting-1");
    CHECK(lent.incarnation.size() == 32);
    CHECK(lent.state_options.where.unix_path == world.redis.path());
}

TEST_CASE("worker: without --redis-l2 there is none", "[worker]")
{
    test::acting_worker world;
    REQUIRE(world.run() == 0);
    REQUIRE(world.service.context->l2 == nullptr);
}
