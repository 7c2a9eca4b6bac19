// What a step of Redis' clock and a Redis that lost its last writes do to limits: bounded harm, either way.

#include "services/limiter/store.hpp"
#include "tests/integration/limiter/connections.hpp"
#include "tests/support/shifted_clock.hpp"
#include "tests/support/temp_folder.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <random>

using namespace shoal;
using namespace shoal::limiter;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;

rule gcra(std::int64_t limit, std::int64_t period_us, std::int64_t burst)
{
    rule made;
    made.name = "test";
    made.limit = limit;
    made.period_us = period_us;
    made.decide = make_rate(limit, period_us, burst);
    made.max_cost = burst;
    made.version = 1;
    return made;
}

boost::asio::awaitable<result<outcome>> take_task(store& at, const rule& by, std::string key, std::int64_t cost)
{
    auto taken = at.take(by, key, cost, boot_time::max());
    if (const auto* const made = std::get_if<outcome>(&taken)) co_return *made;
    co_return co_await std::get<1>(std::move(taken));
}

/// What several workers admit while they run.
struct tally {
    std::int64_t admitted = 0;
    int running = 0;
    bool ends = false;
};

boost::asio::awaitable<void> take_until(store& at, const rule& by, std::int64_t cost, tally& into)
{
    ++into.running;
    while (!into.ends) {
        const auto made = co_await take_task(at, by, "alice", cost);
        if (made && made->granted) into.admitted += cost;
        co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    }
    --into.running;
}

/// Workers on one Redis whose clock the test sets, and which can lose what was written.
struct workers {
    explicit workers(std::size_t count) : to{server, count}
    {
        for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<store>(to.at(i), 5s));
    }

    outcome take(const rule& by, std::int64_t cost = 1)
    {
        return to.get(take_task(*all[0], by, "alice", cost)).value();
    }
    /// What Redis says; a worker remembers a refusal for at most 50 ms.
    outcome ask(const rule& by, std::int64_t cost = 1)
    {
        auto made = take(by, cost);
        while (made.by == decided_by::memory && !made.granted) made = take(by, cost);
        return made;
    }
    std::int64_t admitted_at_once(const rule& by)
    {
        std::int64_t count = 0;
        while (ask(by).granted) ++count;
        return count;
    }
    std::int64_t now()
    {
        const auto time = to.command({"TIME"});
        return std::stoll(*(*time.array())[0].text()) * second + std::stoll(*(*time.array())[1].text());
    }
    void run_for(std::chrono::milliseconds time)
    {
        const auto end = boot_clock::now() + time;
        to.until([end] { return boot_clock::now() >= end; });
    }
    void start_taking(const rule& by, tally& into)
    {
        for (std::size_t i = 0; i < 2 * all.size(); ++i)
            to.spawn(take_until(*all[i % all.size()], by, 1 + static_cast<std::int64_t>(i % 2), into));
    }
    void end_taking(tally& of)
    {
        of.ends = true;
        to.until([&of] { return of.running == 0; });
    }

    void keep_copy()
    {
        std::filesystem::remove_all(copy.file("aof"));
        std::filesystem::copy(written(), copy.file("aof"), std::filesystem::copy_options::recursive);
    }
    /// All that was written since the copy is lost.
    void lose_writes()
    {
        server.kill();
        to.until([this] { return available() == 0; });
        std::filesystem::remove_all(written());
        std::filesystem::copy(copy.file("aof"), written(), std::filesystem::copy_options::recursive);
        server.start();
        to.until([this] { return available() == to.size(); });
    }
    [[nodiscard]] std::size_t available()
    {
        std::size_t count = 0;
        for (std::size_t i = 0; i < to.size(); ++i) count += to.at(i).available() ? 1 : 0;
        return count;
    }
    [[nodiscard]] std::string written() const { return server.folder() + "/appendonlydir"; }

    test::shifted_clock clock;
    test::temp_folder copy;
    test::redis_server server{{}, clock.environment()};
    test::connections to;
    std::vector<std::unique_ptr<store>> all;
};

}  // namespace

TEST_CASE("clock: a step forward adds what refills in it, at most the burst", "[limiter]")
{
    workers fleet{1};
    const auto by = gcra(10, 1000 * second, 10);
    const auto before = fleet.now();
    REQUIRE(fleet.admitted_at_once(by) == 10);
    fleet.clock.step(250 * second);
    REQUIRE(fleet.now() - before > 250 * second);
    REQUIRE(fleet.admitted_at_once(by) == 2);
    fleet.clock.step(day);
    REQUIRE(fleet.admitted_at_once(by) == 10);
}

TEST_CASE("clock: after a step back a key is refused no longer than its burst takes to refill", "[limiter]")
{
    workers fleet{1};
    const auto [by, refill] =
        GENERATE(table<rule, std::int64_t>({{gcra(50, second, 10), second / 5}, {gcra(10, 5 * second, 2), second}}));
    auto drained = fleet.take(by);
    while (drained.granted) drained = fleet.take(by);
    fleet.clock.step(-366 * day);
    const auto since = boot_clock::now();
    const auto refused = fleet.ask(by, by.max_cost);
    REQUIRE_FALSE(refused.granted);
    REQUIRE(refused.after.retry_after_us <= refill);
    REQUIRE(refused.after.reset_us <= refill);
    while (!fleet.ask(by, by.max_cost).granted) REQUIRE(boot_clock::now() - since < 5s);
    REQUIRE(boot_clock::now() - since < std::chrono::microseconds{refill} + 500ms);
}

TEST_CASE("clock: steps back and forth never admit more than the bound and what refills in steps forward",
          "[limiter][property]")
{
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto between = [&random](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random);
    };
    workers fleet{3};
    const auto by = gcra(1000, second, 200);
    tally of;
    double allowed = 200;
    const auto begin = boot_clock::now();
    fleet.start_taking(by, of);
    for (int i = 0; i < 30; ++i) {
        fleet.run_for(std::chrono::milliseconds{between(10, 100)});
        const auto step = between(0, 2) == 0 ? between(0, second / 2) : -between(0, 2 * second);
        fleet.clock.step(step);
        allowed += std::clamp(static_cast<double>(step) / 1000.0, 0.0, 200.0);
    }
    fleet.end_taking(of);
    allowed += std::chrono::duration<double>(boot_clock::now() - begin).count() * 1000.0;
    CAPTURE(of.admitted, allowed);
    REQUIRE(of.admitted > 200);
    REQUIRE(static_cast<double>(of.admitted) <= allowed);
}

TEST_CASE("clock: a window that a step reaches has its limit once, and a step back gives no other", "[limiter]")
{
    workers fleet{1};
    rule by;
    by.name = "test";
    by.kind = algorithm::window;
    by.limit = 10;
    by.max_cost = 10;
    by.windows = calendar::make(span::day, "UTC");
    // Noon, so that no midnight comes between.
    fleet.clock.step(day / 2 - fleet.now() % day);
    REQUIRE(fleet.admitted_at_once(by) == 10);
    fleet.clock.step(day);
    REQUIRE(fleet.admitted_at_once(by) == 10);
    // The window of tomorrow has begun and stays in force.
    fleet.clock.step(-day);
    const auto today = fleet.ask(by);
    REQUIRE_FALSE(today.granted);
    REQUIRE(today.after.retry_after_us > day);
    REQUIRE(today.after.retry_after_us <= day + day / 2);
    // Far back what was taken counts in the window around now.
    fleet.clock.step(-30 * day);
    const auto last_month = fleet.ask(by);
    REQUIRE_FALSE(last_month.granted);
    REQUIRE(last_month.after.retry_after_us <= day / 2);
    fleet.clock.step(day);
    REQUIRE(fleet.admitted_at_once(by) == 10);
}

TEST_CASE("clock: slots expire early by a step forward, and late by no more than the rule's longest ttl", "[limiter]")
{
    workers fleet{1};
    rule by;
    by.name = "test";
    by.kind = algorithm::concurrency;
    by.limit = 2;
    by.max_ttl_ms = 60'000;
    auto& slots = fleet.all[0]->slots();
    const auto acquire = [&](char digit) {
        return fleet.to.get(slots.acquire(by, "alice", std::string(32, digit), 60s, boot_time::max())).value();
    };
    REQUIRE(acquire('a').granted);
    REQUIRE(acquire('b').granted);
    REQUIRE_FALSE(acquire('c').granted);
    fleet.clock.step(61 * second);
    REQUIRE(acquire('c').granted);
    const auto lost = fleet.to.get(slots.renew(by, "alice", std::string(32, 'a'), 60s, boot_time::max()));
    REQUIRE_FALSE(lost->granted);
    REQUIRE(acquire('d').granted);
    fleet.clock.step(-30 * day);
    const auto refused = acquire('e');
    REQUIRE_FALSE(refused.granted);
    REQUIRE(refused.after.retry_after_us <= 60 * second);
    REQUIRE(refused.after.reset_us <= 60 * second);
}

TEST_CASE("lost writes: each time a Redis loses what it wrote admits at most one more burst", "[limiter]")
{
    workers fleet{2};
    const auto by = gcra(10, 36'000 * second, 10);
    fleet.keep_copy();
    std::int64_t admitted = fleet.admitted_at_once(by);
    for (std::int64_t lost = 1; lost <= 2; ++lost) {
        fleet.lose_writes();
        admitted += fleet.admitted_at_once(by);
        REQUIRE(admitted == (1 + lost) * 10);
    }
}

TEST_CASE("lost writes: leases of a second that Redis forgot stay within (1 + f) bursts and the rate", "[limiter]")
{
    workers fleet{3};
    const auto by = gcra(1000, second, 100);
    tally of;
    const auto begin = boot_clock::now();
    fleet.start_taking(by, of);
    for (int lost = 0; lost < 2; ++lost) {
        fleet.run_for(200ms);
        fleet.keep_copy();
        fleet.run_for(1s);
        fleet.lose_writes();
    }
    fleet.run_for(300ms);
    fleet.end_taking(of);
    const auto elapsed = std::chrono::duration<double>(boot_clock::now() - begin).count();
    CAPTURE(of.admitted, elapsed);
    REQUIRE(static_cast<double>(of.admitted) > 1000);
    REQUIRE(static_cast<double>(of.admitted) <= 3 * 100 + 1000 * elapsed);
}
