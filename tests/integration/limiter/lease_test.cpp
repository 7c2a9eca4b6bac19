// The limiter's promises with several workers' stores, routed at random, on one real Redis.

#include "tests/integration/limiter/fleet_of_stores.hpp"
#include "tests/integration/limiter/rules.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <random>

using namespace shoal;
using namespace shoal::limiter;
using namespace std::chrono_literals;
using boost::asio::awaitable;
using test::fleet_of_stores;
using test::make_gcra;

namespace {

constexpr std::int64_t second = 1'000'000;

struct tally {
    std::int64_t asked = 0;
    std::int64_t ended = 0;
    std::int64_t admitted = 0;
    std::int64_t from_memory = 0;
    /// When each admitted cell was heard of, and the longest that a request waited for that.
    std::vector<std::int64_t> times;
    std::int64_t slowest_us = 0;
};

awaitable<void> pause(std::chrono::nanoseconds time)
{
    boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor,
                                    std::chrono::duration_cast<boost::asio::steady_timer::duration>(time)};
    co_await timer.async_wait(boost::asio::use_awaitable);
}

awaitable<bool> waited(std::chrono::nanoseconds time)
{
    co_await pause(time);
    co_return true;
}

/// An admission counts when it is decided; what Redis decided is heard a little later.
awaitable<void> take_one(store& at, const rule& by, std::string key, std::int64_t cost, tally& into)
{
    ++into.asked;
    const auto sent_us = microseconds(boot_clock::now());
    const auto made = co_await test::taken(at, by, std::move(key), cost);
    ++into.ended;
    if (made && made->by == decided_by::memory) ++into.from_memory;
    if (!made || !made->granted) co_return;
    into.admitted += cost;
    const auto now_us = microseconds(boot_clock::now());
    into.slowest_us = std::max(into.slowest_us, now_us - sent_us);
    into.times.insert(into.times.end(), static_cast<std::size_t>(cost), now_us);
}

struct load {
    std::vector<std::size_t> workers;
    std::int64_t per_second = 1000;
    std::chrono::milliseconds length = 1s;
};

/// Requests at a steady rate, whatever becomes of them: arrivals that are due are sent at each turn.
awaitable<void> offer(fleet_of_stores& fleet, const rule& by, std::string key, load of, unsigned seed, tally& into)
{
    std::mt19937 random{seed};
    const auto began = boot_clock::now();
    std::int64_t sent = 0;
    for (auto now = began; now - began < of.length; now = boot_clock::now()) {
        const auto due = (now - began).count() * of.per_second / 1'000'000'000;
        for (; sent < due; ++sent) {
            const auto at = of.workers[random() % of.workers.size()];
            fleet.spawn(take_one(fleet.at(at), by, key, 1, into));
        }
        co_await pause(200us);
    }
    while (into.ended < into.asked) co_await pause(1ms);
    into.asked = -into.asked;
}

tally run_load(fleet_of_stores& fleet, const rule& by, const std::string& key, const load& of, unsigned seed)
{
    tally made;
    fleet.spawn(offer(fleet, by, key, of, seed, made));
    fleet.until([&made] { return made.asked < 0; });
    made.asked = -made.asked;
    std::sort(made.times.begin(), made.times.end());
    return made;
}

void undo(fleet_of_stores& fleet, const rule& by, const std::string& key, receipt of)
{
    bool done = false;
    const auto task = [](store& at, const rule& under, std::string_view of_key, receipt what,
                         bool& ended) -> awaitable<void> {
        co_await at.undo(under, of_key, what);
        ended = true;
    };
    fleet.spawn(task(fleet.at(0), by, key, of, done));
    fleet.until([&done] { return done; });
}

/// At most burst + rate * (T + slack) in any interval T.
void require_bound_within(const rate& by, const std::vector<std::int64_t>& admitted, std::int64_t slack_us)
{
    for (std::size_t first = 0; first < admitted.size(); ++first) {
        for (std::size_t last = first; last < admitted.size(); ++last) {
            const auto count = static_cast<std::int64_t>(last - first + 1);
            const auto elapsed = admitted[last] - admitted[first] + slack_us;
            if ((count - by.burst) * by.period_us <= elapsed * by.limit) continue;
            CAPTURE(count, elapsed, slack_us);
            FAIL("more than burst + rate * T were admitted");
        }
    }
}

std::vector<std::size_t> all_of(const fleet_of_stores& fleet)
{
    std::vector<std::size_t> workers(fleet.size());
    for (std::size_t i = 0; i < workers.size(); ++i) workers[i] = i;
    return workers;
}

}  // namespace

TEST_CASE("store: 2,000 at once on a fresh key admit exactly the burst of a slow rule", "[limiter]")
{
    fleet_of_stores fleet{4};
    const auto [limit, burst] = GENERATE(table<std::int64_t, std::int64_t>({{100, 100}, {5, 5}}));
    const auto by = make_gcra(limit, 3600 * second, burst);
    tally made;
    for (std::size_t i = 0; i < 2000; ++i) fleet.spawn(take_one(fleet.at(i % 4), by, "alice", 1, made));
    fleet.until([&made] { return made.ended == 2000; });
    REQUIRE(made.admitted == burst);
}

TEST_CASE("store: a fast rule admits its whole burst, whatever the cost", "[limiter]")
{
    fleet_of_stores fleet{4};
    const auto by = make_gcra(100'000, second, 100'000);
    const auto cost = GENERATE(1000, 25'000, 100'000);
    tally made;
    const auto key = "cost" + std::to_string(cost);
    for (int i = 0; i < 100'000 / cost; ++i) fleet.spawn(take_one(fleet.at(0), by, key, cost, made));
    fleet.until([&made, cost] { return made.ended == 100'000 / cost; });
    REQUIRE(made.admitted == 100'000);
}

TEST_CASE("store: never more than burst + rate * T, leased or not, routed at random", "[limiter][property]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    fleet_of_stores fleet{4};
    for (int round = 0; round < 4; ++round) {
        const auto limit = static_cast<std::int64_t>(200 + random() % 4000);
        const auto by = make_gcra(limit, second, static_cast<std::int64_t>(5 + random() % 200));
        const load of{.workers = all_of(fleet), .per_second = limit * 3 / 2, .length = 400ms};
        const auto made = run_load(fleet, by, "bound" + std::to_string(round), of, seed);
        CAPTURE(round, limit, by.decide.burst, made.admitted, made.from_memory);
        REQUIRE(made.admitted > 0);
        // Decided up to that much before it was heard of.
        require_bound_within(by.decide, made.times, made.slowest_us);
    }
}

TEST_CASE("store: a steady load at the limit, at random over 8 workers, gets at least 95% of it", "[limiter]")
{
    fleet_of_stores fleet{8};
    const auto limit = GENERATE(200, 1000, 4000);
    const auto by = make_gcra(limit, second, limit / 5);
    const load of{.workers = all_of(fleet), .per_second = limit, .length = 1500ms};
    const auto made = run_load(fleet, by, "steady", of, 1);
    CAPTURE(limit, made.asked, made.admitted, made.from_memory);
    REQUIRE(static_cast<double>(made.admitted) >= 0.95 * static_cast<double>(made.asked));
}

TEST_CASE("store: the owner of a hot key decides 95% without Redis, below, at and at twice the limit", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make_gcra(4000, second, 2000);
    const auto percent = GENERATE(70, 100, 200);
    const load of{.workers = {0}, .per_second = 40 * percent, .length = 1000ms};
    const auto made = run_load(fleet, by, "hot" + std::to_string(percent), of, 1);
    CAPTURE(percent, made.asked, made.admitted, made.from_memory);
    REQUIRE(static_cast<double>(made.from_memory) >= 0.95 * static_cast<double>(made.asked));
}

TEST_CASE("store: after DELETE is acknowledged every worker grants the whole burst again", "[limiter]")
{
    fleet_of_stores fleet{3};
    const auto by = make_gcra(60, 60 * second, 20);
    REQUIRE(fleet.take(by, "alice", 20, 0)->granted);
    for (std::size_t i = 0; i < 3; ++i) REQUIRE_FALSE(fleet.take(by, "alice", 1, i)->granted);
    const auto began = boot_clock::now();
    REQUIRE(fleet.forget(by, "alice").has_value());
    REQUIRE(boot_clock::now() - began >= 50ms);
    REQUIRE(fleet.take(by, "alice", 18, 2)->granted);
    REQUIRE(fleet.take(by, "alice", 1, 1)->granted);
    REQUIRE(fleet.take(by, "alice", 1, 0)->granted);
}

TEST_CASE("store: a refund and a raised limit show at every worker within 50 ms", "[limiter]")
{
    fleet_of_stores fleet{3};
    auto by = make_gcra(60, 60 * second, 20);
    REQUIRE(fleet.take(by, "alice", 20, 0)->granted);
    for (std::size_t i = 0; i < 3; ++i) REQUIRE_FALSE(fleet.take(by, "alice", 1, i)->granted);
    const auto began = boot_clock::now();
    SECTION("refund")
    {
        REQUIRE(fleet.refund(by, "alice", 3)->cells == 3);
        REQUIRE(fleet.take(by, "alice", 1, 0)->granted);
    }
    SECTION("a raised limit")
    {
        by = make_gcra(120, 60 * second, 40, 2);
    }
    for (std::size_t i = 1; i < 3; ++i) {
        auto made = fleet.take(by, "alice", 1, i);
        while (!made->granted && boot_clock::now() - began < 5s) made = fleet.take(by, "alice", 1, i);
        REQUIRE(made->granted);
    }
    // What a worker remembers ends 50 ms after its last look; the rest is this machine.
    REQUIRE(boot_clock::now() - began < 50ms + 200ms);
}

TEST_CASE("store: a refund gives back at most what the key owes", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make_gcra(10, 3600 * second, 10);
    REQUIRE(fleet.take(by, "alice", 3)->granted);
    const auto made = fleet.refund(by, "alice", 8);
    REQUIRE(made->cells == 3);
    REQUIRE(made->after.remaining == 10);
    REQUIRE(fleet.refund(by, "alice", 1)->cells == 0);
}

TEST_CASE("store: who waits as long as it was told is admitted when it is alone", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make_gcra(100, second, 3);
    std::int64_t refused = 0;
    std::int64_t admitted_after = 0;
    const auto end = boot_clock::now() + 2s;
    while (boot_clock::now() < end) {
        const auto made = fleet.take(by, "alice", 1);
        if (made->granted) continue;
        ++refused;
        fleet.await(waited(std::chrono::microseconds{made->after.retry_after_us}));
        if (fleet.take(by, "alice", 1)->granted) ++admitted_after;
    }
    CAPTURE(refused, admitted_after);
    REQUIRE(refused > 50);
    REQUIRE(static_cast<double>(admitted_after) >= 0.999 * static_cast<double>(refused));
}

TEST_CASE("store: a worker that drains, or answers a repeat, gives its lease back", "[limiter]")
{
    fleet_of_stores fleet{2};
    const auto by = make_gcra(2000, second, 1000);
    const bool drains = GENERATE(true, false);
    REQUIRE(fleet.take_once(by, "alice", 1, "order-1", 0)->granted);
    std::int64_t back = 0;
    // A lease may happen to be spent when the load ends.
    for (int round = 0; round < 20 && back == 0; ++round) {
        const auto made = run_load(fleet, by, "alice", {.workers = {0}, .per_second = 1500, .length = 100ms}, 1);
        REQUIRE(made.from_memory > 0);
        const auto before = fleet.peek_past_memory(by, "alice").remaining;
        if (drains)
            fleet.drain(0);
        else
            REQUIRE(fleet.take_once(by, "alice", 1, "order-1", 0)->replayed);
        // More than what refills meanwhile.
        back = std::max<std::int64_t>(0, fleet.peek_past_memory(by, "alice").remaining - before - 20);
    }
    REQUIRE(back > 0);
}

TEST_CASE("store: who looks at a hot key does not end its lease", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make_gcra(4000, second, 2000);
    tally made;
    fleet.spawn(offer(fleet, by, "alice", {.workers = {0}, .per_second = 3000, .length = 1000ms}, 1, made));
    int looks = 0;
    // Looks after which nothing had to be asked of Redis: one pause of the machine is between two of them.
    int undisturbed = 0;
    while (made.asked >= 0) {
        const auto before = made.ended - made.from_memory;
        REQUIRE(fleet.await(fleet.at(0).peek(by, "alice", 1, boot_time::max()))->granted);
        fleet.await(waited(2ms));
        ++looks;
        if (made.ended - made.from_memory == before) ++undisturbed;
    }
    CAPTURE(looks, undisturbed, made.ended, made.from_memory);
    REQUIRE(looks > 50);
    REQUIRE(2 * undisturbed > looks);
}

TEST_CASE("store: an Idempotency-Key gives the first verdict again and takes nothing", "[limiter]")
{
    fleet_of_stores fleet{2};
    const auto by = make_gcra(10, 3600 * second, 10);
    const auto first = fleet.take_once(by, "alice", 4, "order-1", 0);
    REQUIRE(first->granted);
    REQUIRE_FALSE(first->replayed);
    const auto again = fleet.take_once(by, "alice", 4, "order-1", 1);
    REQUIRE(again->granted);
    REQUIRE(again->replayed);
    REQUIRE(again->after.remaining == first->after.remaining);
    REQUIRE(fleet.take_once(by, "alice", 5, "order-1", 1)->other_cost);
    REQUIRE(fleet.take(by, "alice", 6)->granted);
    REQUIRE_FALSE(fleet.take_once(by, "alice", 1, "order-2", 0)->granted);
    REQUIRE(fleet.forget(by, "alice").has_value());
    const auto refused = fleet.take_once(by, "alice", 1, "order-2", 0);
    REQUIRE(refused->replayed);
    REQUIRE_FALSE(refused->granted);
}

TEST_CASE("store: what is taken tentatively and undone leaves the whole budget", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make_gcra(10, 3600 * second, 10);
    REQUIRE(fleet.take(by, "alice", 2)->granted);
    receipt of;
    REQUIRE(fleet.await(fleet.at(0).take_tentatively(by, "alice", 5, boot_time::max(), of))->granted);
    REQUIRE(fleet.peek_past_memory(by, "alice").remaining == 3);
    undo(fleet, by, "alice", of);
    REQUIRE(fleet.peek_past_memory(by, "alice").remaining == 8);
}

TEST_CASE("store: an Idempotency-Key belongs to one key, whatever characters the two have", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make_gcra(10, 3600 * second, 10);
    REQUIRE_FALSE(fleet.take_once(by, "alice}", 1, "x", 0)->replayed);
    REQUIRE_FALSE(fleet.take_once(by, "alice", 1, "}x", 0)->replayed);
}

TEST_CASE("store: a peek of a window tells whether the cost would be granted", "[limiter]")
{
    fleet_of_stores fleet{1};
    auto by = make_gcra(5, second, 5);
    by.kind = algorithm::window;
    by.windows = calendar::make(span::month, "UTC");
    REQUIRE(fleet.take(by, "alice", 4)->granted);
    REQUIRE(fleet.await(fleet.at(0).peek(by, "alice", 1, boot_time::max()))->granted);
    const auto made = fleet.await(fleet.at(0).peek(by, "alice", 2, boot_time::max()));
    REQUIRE_FALSE(made->granted);
    REQUIRE(made->after.retry_after_us > 0);
    REQUIRE(made->after.remaining == 1);
}
