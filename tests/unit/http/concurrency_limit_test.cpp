// Against servers of known capacity, in time that is counted and not waited for.

#include "common/http/concurrency_limit.hpp"

#include <algorithm>
#include <deque>
#include <queue>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace shoal::http {
namespace {

using namespace std::chrono_literals;
using nanoseconds = std::chrono::nanoseconds;

/// `width` requests at once, each for `takes`; what is more waits in line.
class scripted_server {
public:
    scripted_server(concurrency_limit& limit, std::size_t width, nanoseconds at_first)
        : takes{at_first}, limit_{limit}, free_(width)
    {
    }

    nanoseconds takes;
    std::size_t admitted = 0;
    std::size_t refused = 0;
    nanoseconds longest{};

    void arrive(boot_time now)
    {
        finish_until(now);
        if (!limit_.enter(now)) {
            ++refused;
            return;
        }
        ++admitted;
        auto& soonest = *std::ranges::min_element(free_);
        soonest = std::max(soonest, now) + takes;
        ends_.push({soonest, now});
    }

    /// For `lasts`, at `rate` per second, evenly.
    void load(double rate, nanoseconds lasts)
    {
        admitted = refused = 0;
        longest = {};
        const auto end = now_ + lasts;
        for (; now_ < end; now_ += nanoseconds{static_cast<std::int64_t>(1e9 / rate)}) arrive(now_);
        finish_until(now_);
    }

private:
    struct ending {
        boot_time at;
        boot_time came;
        bool operator>(const ending& other) const { return at > other.at; }
    };

    void finish_until(boot_time now)
    {
        while (!ends_.empty() && ends_.top().at <= now) {
            const auto [at, came] = ends_.top();
            ends_.pop();
            longest = std::max<nanoseconds>(longest, at - came);
            limit_.leave(at, at - came);
        }
    }

    concurrency_limit& limit_;
    std::vector<boot_time> free_;
    std::priority_queue<ending, std::vector<ending>, std::greater<>> ends_;
    boot_time now_{1h};
};

TEST_CASE("concurrency limit: what a server bears is never refused", "[http]")
{
    concurrency_limit limit{{}};
    scripted_server server{limit, 1, 1ms};
    server.load(900, 120s);
    CHECK(server.refused == 0);
    CHECK(limit.current() == 4096);
}

TEST_CASE("concurrency limit: thrice the capacity of a serial server, for five minutes", "[http]")
{
    const auto takes = GENERATE(1ms, 5ms);
    const double capacity = 1000.0 / static_cast<double>(takes.count());
    concurrency_limit limit{{}};
    scripted_server server{limit, 1, takes};
    server.load(capacity / 2, 5s);
    server.load(3 * capacity, 5s);
    for (int i = 0; i < 10; ++i) {
        server.load(3 * capacity, 30s);
        INFO("half minute " << i);
        CHECK(static_cast<double>(server.admitted) >= 0.97 * 30 * capacity);
        // A queue that does not grow with time.
        CHECK(server.longest < 100 * takes);
    }
    server.load(capacity / 2, 2s);
    server.load(capacity / 2, 10s);
    CHECK(server.refused == 0);
    CHECK(server.longest < 10 * takes);
}

TEST_CASE("concurrency limit: a wide server is used to its width", "[http]")
{
    concurrency_limit limit{{}};
    scripted_server server{limit, 500, 50ms};
    server.load(8000, 10s);
    CHECK(server.refused == 0);
    server.load(30'000, 5s);
    server.load(30'000, 60s);
    CHECK(server.admitted >= 570'000);
}

TEST_CASE("concurrency limit: a server that became slower for good is not starved", "[http]")
{
    concurrency_limit limit{{.least = 16, .most = 256}};
    scripted_server server{limit, 200, 2ms};
    server.load(3000, 60s);
    server.takes = 60ms;
    server.load(3000, 5s);
    CHECK(server.refused > 0);
    server.load(3000, 20s);
    server.load(3000, 20s);
    CHECK(server.refused == 0);
}

TEST_CASE("concurrency limit: a slow origin among fast ones does not shrink it", "[http]")
{
    concurrency_limit limit{{}};
    boot_time now{1h};
    std::deque<boot_time> slow;
    for (int i = 0; i < 60'000; ++i, now += 1ms) {
        REQUIRE(limit.enter(now));
        if (i % 4 != 0) {
            slow.push_back(now);
        } else {
            limit.leave(now, 1ms);
        }
        for (; !slow.empty() && slow.front() + 3s <= now; slow.pop_front()) limit.leave(now, 3s);
    }
    CHECK(slow.size() > 2000);
    CHECK(limit.current() == 4096);
}

TEST_CASE("concurrency limit: the fastest tenth of waits", "[http]")
{
    const auto longest = GENERATE(range(1, 60'000'000, 999'983));
    fastest_tenth seen;
    for (int i = 1; i <= 1000; ++i) seen.add(std::chrono::microseconds{longest} * i / 1000);
    const auto exact = static_cast<double>(longest) / 10;
    CHECK(static_cast<double>(seen.value().count()) <= exact + 1);
    CHECK(static_cast<double>(seen.value().count()) >= exact * 0.75 - 1);
    seen.add(std::chrono::hours{1'000'000});
}

TEST_CASE("concurrency limit: those who wait for ever do not shut out the others for ever", "[http]")
{
    concurrency_limit limit{{.least = 4, .most = 64}};
    boot_time now{1h};
    // A queue of its own making: the limit shrinks.
    for (int i = 0; i < 16; ++i) REQUIRE(limit.enter(now));
    for (int i = 1; i < 200; ++i) {
        now += 15ms;
        limit.leave(now, 1ms * i);
        (void)limit.enter(now);
    }
    REQUIRE(limit.waiting() == limit.current());
    REQUIRE(limit.current() < 16);
    // From here on nobody gets an answer.
    std::size_t let_in = 0;
    for (int i = 0; i < 100; ++i)
        if (limit.enter(now += 50ms)) ++let_in;
    CHECK(let_in >= 4);
    CHECK(let_in <= 5 * 4);
}

TEST_CASE("concurrency limit: it is bounded on both sides", "[http]")
{
    concurrency_limit limit{{.least = 4, .most = 16}};
    const boot_time now{1h};
    for (int i = 0; i < 16; ++i) CHECK(limit.enter(now));
    CHECK_FALSE(limit.enter(now));
    limit.leave();
    CHECK(limit.enter(now));
    CHECK(limit.waiting() == 16);

    concurrency_limit narrow{{.least = 64, .most = 8}};
    CHECK(narrow.current() == 8);
}

}  // namespace
}  // namespace shoal::http
