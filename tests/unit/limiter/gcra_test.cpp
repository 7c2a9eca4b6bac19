#include "services/limiter/gcra.hpp"

#include "tests/unit/limiter/bound.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <vector>

namespace {

using namespace shoal::limiter;
using shoal::test::require_bound;

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t start = 1'763'822'000 * second;

decision take(const rate& by, const std::optional<cell>& stored, std::int64_t cost, std::int64_t now)
{
    return decide(by, stored, {.cost = cost}, now);
}

/// A key's life under one rate.
struct key {
    rate by;
    std::optional<cell> stored{};

    bool take(std::int64_t cost, std::int64_t now) { return run({.cost = cost}, now).granted; }

    decision run(const ask& asked, std::int64_t now)
    {
        const auto made = decide(by, stored, asked, now);
        if (made.changed) stored = made.after;
        return made;
    }

    standing at(std::int64_t now, std::int64_t cost = 1) const
    {
        return standing_of(by, settle(by, stored, now), cost, now);
    }
};

}  // namespace

TEST_CASE("gcra: a fresh key admits its burst at once and then nothing", "[limiter]")
{
    const auto [limit, period, burst] =
        GENERATE(table<std::int64_t, std::int64_t, std::int64_t>({{10, 60 * second, 10},
                                                                  {5, 3600 * second, 5},
                                                                  {3, second, 3},
                                                                  {7, second, 100},
                                                                  {100'000, second, 1000},
                                                                  {9'999'991, second, 1000},
                                                                  {1, 366 * 86400 * second, 1}}));
    key alice{make_rate(limit, period, burst)};
    for (std::int64_t i = 0; i < burst; ++i) REQUIRE(alice.take(1, start));
    REQUIRE_FALSE(alice.take(1, start));
}

TEST_CASE("gcra: three per second are exactly three, for as long as one likes", "[limiter]")
{
    key alice{make_rate(3, second, 3)};
    for (int i = 0; i < 3; ++i) REQUIRE(alice.take(1, start));
    std::int64_t admitted = 0;
    for (std::int64_t now = start; now <= start + 300 * second; now += 1000) admitted += alice.take(1, now) ? 1 : 0;
    REQUIRE(admitted == 900);
}

TEST_CASE("gcra: a refusal consumes nothing", "[limiter]")
{
    key alice{make_rate(10, 60 * second, 10)};
    REQUIRE(alice.take(10, start));
    for (int i = 0; i < 1000; ++i) REQUIRE_FALSE(alice.take(1, start + i));
    REQUIRE(alice.take(1, start + 6 * second));
    REQUIRE_FALSE(alice.take(1, start + 6 * second));
}

TEST_CASE("gcra: a cost is taken whole or not at all", "[limiter]")
{
    key alice{make_rate(10, 60 * second, 10)};
    REQUIRE(alice.take(7, start));
    REQUIRE_FALSE(alice.take(4, start));
    REQUIRE(alice.take(3, start));
    REQUIRE_FALSE(alice.take(11, start + 3600 * second));
}

TEST_CASE("gcra: a peek changes nothing and tells what a take would find", "[limiter]")
{
    key alice{make_rate(10, 60 * second, 10)};
    REQUIRE(alice.take(4, start));
    const auto before = alice.stored;
    const auto peek = take(alice.by, alice.stored, 0, start + second);
    REQUIRE(peek.granted);
    REQUIRE(alice.stored == before);
    REQUIRE(standing_of(alice.by, peek.after, 1, start + second).remaining == 6);
    REQUIRE(standing_of(alice.by, peek.after, 1, start + 6 * second).remaining == 7);
}

TEST_CASE("gcra: never more than burst + rate * T in any interval T", "[limiter][property]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto between = [&random](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random);
    };
    for (int round = 0; round < 300; ++round) {
        const auto by = make_rate(between(1, 1000), between(1, 100) * between(1, second), between(1, 50));
        key alice{by};
        std::vector<std::int64_t> admitted;
        std::int64_t now = start;
        const std::int64_t most_step = std::max<std::int64_t>(2, 2 * by.period_us / by.limit);
        for (int i = 0; i < 400; ++i) {
            now += between(0, 3) == 0 ? between(0, most_step) : 0;
            const auto cost = between(1, std::min<std::int64_t>(by.burst, 3));
            if (alice.take(cost, now)) admitted.insert(admitted.end(), static_cast<std::size_t>(cost), now);
        }
        require_bound(by, admitted);
    }
}

TEST_CASE("gcra: who waits as long as it is told is admitted, and not a millisecond's cell earlier",
          "[limiter][property]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto between = [&random](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random);
    };
    for (int round = 0; round < 2000; ++round) {
        const auto burst = between(1, 50);
        key alice{make_rate(between(1, 1000), between(1, 100) * between(1, second), burst)};
        std::int64_t now = start;
        for (int i = 0; i < 60; ++i) {
            const auto cost = between(1, burst);
            const auto made = take(alice.by, alice.stored, cost, now);
            if (made.granted) {
                alice.stored = made.after;
                continue;
            }
            const auto wait = standing_of(alice.by, made.after, cost, now).retry_after_us;
            REQUIRE(wait > 0);
            REQUIRE_FALSE(take(alice.by, alice.stored, cost, now + wait - 1).granted);
            now += wait;
            REQUIRE(alice.take(cost, now));
        }
    }
}

TEST_CASE("gcra: a clock that steps back neither locks a key out nor gives it more than its burst", "[limiter]")
{
    key alice{make_rate(10, 60 * second, 10)};
    REQUIRE(alice.take(10, start));
    const std::int64_t back = start - 3600 * second;
    REQUIRE_FALSE(alice.take(1, back));
    const auto told = standing_of(alice.by, *alice.stored, 1, back);
    REQUIRE(told.reset_us == 60 * second);
    REQUIRE_FALSE(alice.take(1, back + told.retry_after_us - 1));
    REQUIRE(alice.take(1, back + told.retry_after_us));
    REQUIRE_FALSE(alice.take(1, back + told.retry_after_us));
}

TEST_CASE("gcra: who is told when to come back under a smaller burst is admitted then", "[limiter]")
{
    key alice{make_rate(100, 60 * second, 100)};
    REQUIRE(alice.take(100, start));
    alice.by.burst = 10;
    REQUIRE_FALSE(alice.take(1, start));
    const auto told = standing_of(alice.by, *alice.stored, 1, start);
    REQUIRE(told.retry_after_us == 600'000);
    REQUIRE(alice.take(1, start + told.retry_after_us));
}

TEST_CASE("gcra: a cost that the rule could never grant is refused, however slow the rule is", "[limiter]")
{
    const auto slow = make_rate(1, 86400 * 366 * second, 1);
    for (const std::int64_t cost : {std::int64_t{2}, std::int64_t{500'000}, std::int64_t{10'000'000}}) {
        REQUIRE_FALSE(take(slow, std::nullopt, cost, start).granted);
        REQUIRE(standing_of(slow, settle(slow, std::nullopt, start), cost, start).retry_after_us > 0);
    }
}

TEST_CASE("gcra: a change of the rate after a step back of the clock keeps the old burst at most", "[limiter]")
{
    key alice{make_rate(10, 60 * second, 10)};
    REQUIRE(alice.take(10, start));
    const auto faster = make_rate(100, 60 * second, 100);
    const std::int64_t back = start - 86400 * second;
    const auto converted = convert(*alice.stored, alice.by, faster, back);
    REQUIRE(converted.base_us == back);
    REQUIRE(converted.taken == 10);
}

TEST_CASE("gcra: a step forward adds at most the burst", "[limiter]")
{
    key alice{make_rate(10, 60 * second, 10)};
    REQUIRE(alice.take(10, start));
    std::int64_t admitted = 0;
    for (int i = 0; i < 100; ++i) admitted += alice.take(1, start + 86400 * second) ? 1 : 0;
    REQUIRE(admitted == 10);
}

TEST_CASE("gcra: a change of the rate keeps what a key owes in cells", "[limiter]")
{
    const auto slow = make_rate(10, 60 * second, 10);
    const auto fast = make_rate(100, 60 * second, 10);
    key alice{slow};
    REQUIRE(alice.take(8, start));
    const std::int64_t now = start + 3 * second;
    const auto converted = convert(*alice.stored, slow, fast, now);
    // 8 cells of 6 s less 3 s are 7 cells and a half: 4.5 s at the faster rate.
    REQUIRE(standing_of(fast, settle(fast, converted, now), 1, now).reset_us == 4'500'000);
    REQUIRE(standing_of(fast, settle(fast, converted, now), 1, now).remaining == 2);
    const auto back = convert(converted, fast, slow, now);
    REQUIRE(standing_of(slow, settle(slow, back, now), 1, now).reset_us == 45 * second);
}

TEST_CASE("gcra: the stored count stays below limit + burst however long a key is busy", "[limiter]")
{
    key alice{make_rate(7, second, 5)};
    std::int64_t now = start;
    for (int i = 0; i < 100'000; ++i) {
        now += second / 7;
        (void)alice.take(1, now);
        REQUIRE(alice.stored->taken <= 7 + 5);
    }
}
