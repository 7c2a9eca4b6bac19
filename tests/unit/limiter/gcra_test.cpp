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

    /// A lease: who asks shows that nobody else has moved the cell.
    decision lease(std::int64_t cost, std::int64_t wanted, std::int64_t now)
    {
        stored = settle(by, stored, now);
        return run({.settles = settlement{.before = *stored, .after = *stored}, .cost = cost, .wanted = wanted}, now);
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
    for (std::int64_t now = start; now <= start + 1000 * second; now += 1000) admitted += alice.take(1, now) ? 1 : 0;
    REQUIRE(admitted == 3000);
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

namespace {

/// 1000 a second, bursts of 100: T is 1 ms, L 25 ms, a lease at most 25 cells.
const rate fast = make_rate(1000, second, 100);
constexpr std::int64_t ms = 1000;

settlement settlement_of(const decision& made, std::int64_t unspent)
{
    return {.before = made.before, .after = made.after, .granted = made.cells, .unspent = unspent};
}

}  // namespace

TEST_CASE("gcra: a lease lasts at most 50 ms and a quarter of the burst, and slow rules have none", "[limiter]")
{
    REQUIRE(lease_span_us(fast) == 25 * ms);
    REQUIRE(most_leased(fast) == 25);
    REQUIRE(lease_span_us(make_rate(100'000, second, 100'000)) == 50 * ms);
    REQUIRE(most_leased(make_rate(100'000, second, 100'000)) == 5000);
    REQUIRE(most_leased(make_rate(100, 3600 * second, 100)) == 0);
    key slow{make_rate(100, 3600 * second, 100)};
    REQUIRE(slow.lease(1, 50, start).cells == 1);
}

TEST_CASE("gcra: a lease is charged as if it were spent at its end", "[limiter]")
{
    key alice{fast};
    const auto made = alice.lease(1, 10, start);
    REQUIRE(made.granted);
    REQUIRE(made.cells == 10);
    REQUIRE(alice.at(start).reset_us == 25 * ms + 10 * ms);
    REQUIRE(alice.at(start).remaining == 65);
}

TEST_CASE("gcra: as many of the wanted cells are leased as there are", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(70, start));
    REQUIRE(alice.lease(1, 25, start).cells == 25);
    REQUIRE(alice.lease(1, 25, start).cells == 5);
    REQUIRE_FALSE(alice.lease(1, 25, start).granted);
}

TEST_CASE("gcra: only who alone moved the cell gets a lease", "[limiter]")
{
    key alice{fast};
    const auto first = alice.run({.cost = 1, .wanted = 10}, start);
    REQUIRE_FALSE(first.alone);
    REQUIRE_FALSE(first.leased);
    REQUIRE(first.cells == 1);
    key other = alice;
    REQUIRE(other.take(1, start));
    const ask again{.settles = settlement_of(first, 0), .cost = 1, .wanted = 10};
    const auto alone = alice.run(again, start + ms);
    REQUIRE(alone.alone);
    REQUIRE(alone.leased);
    REQUIRE(alone.cells == 10);
    const auto together = other.run(again, start + ms);
    REQUIRE_FALSE(together.alone);
    REQUIRE_FALSE(together.leased);
    REQUIRE(together.cells == 1);
}

TEST_CASE("gcra: a crowd's cells are charged now, as many as there are", "[limiter]")
{
    key alice{fast};
    const auto made = alice.run({.cost = 1, .crowd = 60}, start);
    REQUIRE(made.granted);
    REQUIRE(made.cells == 60);
    REQUIRE_FALSE(made.leased);
    REQUIRE(alice.at(start).remaining == 40);
    REQUIRE(alice.at(start).reset_us == 60 * ms);
    REQUIRE(alice.run({.cost = 1, .crowd = 60}, start).cells == 40);
    REQUIRE_FALSE(alice.run({.cost = 1, .crowd = 60}, start).granted);
    REQUIRE(alice.run({.cost = 3, .crowd = 60}, start + 3 * ms).cells == 3);
}

TEST_CASE("gcra: what a crowd did not use goes back", "[limiter]")
{
    key alice{fast};
    const auto made = alice.run({.cost = 1, .crowd = 60}, start);
    REQUIRE(alice.run({.settles = settlement_of(made, 20)}, start).returned == 20);
    REQUIRE(alice.at(start).remaining == 60);
}

TEST_CASE("gcra: a cost that no lease can hold is taken by itself", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(60, start));
    const auto made = alice.lease(30, 60, start);
    REQUIRE(made.granted);
    REQUIRE(made.cells == 30);
}

TEST_CASE("gcra: who alone moved a cell gives back what it did not spend, and the time in which it might have",
          "[limiter]")
{
    key alice{fast};
    const auto leased = alice.lease(1, 10, start);
    const auto settled = alice.run({.settles = settlement_of(leased, 6)}, start + 2 * ms);
    REQUIRE(settled.returned == 6);
    REQUIRE(settled.changed);
    REQUIRE(alice.at(start + 2 * ms).reset_us == 4 * ms);
    REQUIRE(alice.stored->returned == 29);
}

TEST_CASE("gcra: a lease that others' cells lie behind gives back only what lies beyond every lease of now",
          "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(40, start));
    const auto leased = alice.lease(1, 25, start);
    REQUIRE(alice.take(1, start));
    // TAT was 65 ms ahead when it was granted: 40 ms lie beyond a lease of start, 5 beyond one of 35 ms later.
    key later = alice;
    REQUIRE(alice.run({.settles = settlement_of(leased, 24)}, start).returned == 24);
    REQUIRE(later.run({.settles = settlement_of(leased, 24)}, start + 35 * ms).returned == 5);
}

TEST_CASE("gcra: what was given back since counts against what another lease gives back", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(30, start));
    const auto first = alice.lease(1, 20, start);
    const auto second_one = alice.lease(1, 20, start);
    REQUIRE(alice.run({.settles = settlement_of(second_one, 19)}, start).returned == 19);
    // 50 ms ahead when granted, less 25 for the leases of now and 19 that went back since.
    REQUIRE(alice.run({.settles = settlement_of(first, 19)}, start).returned == 6);
}

TEST_CASE("gcra: a lease gives nothing back to a budget that began anew", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(60, start));
    const auto leased = alice.lease(1, 20, start);
    alice.stored.reset();
    REQUIRE(alice.take(90, start + 1));
    REQUIRE(alice.run({.settles = settlement_of(leased, 19)}, start + 2).returned == 0);
    REQUIRE(alice.at(start + 2).remaining == 10);
}

TEST_CASE("gcra: what a step back of the clock cut off can't be given back as well", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(60, start));
    const auto leased = alice.lease(1, 20, start);
    const auto back = start - second;
    REQUIRE_FALSE(alice.take(1, back));
    REQUIRE(alice.run({.settles = settlement_of(leased, 19)}, back).returned == 0);
    REQUIRE(alice.at(back).remaining == 0);
}

TEST_CASE("gcra: a refund gives back at most what is owed", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(30, start));
    REQUIRE(alice.run({.refund = 10}, start).refunded == 10);
    REQUIRE(alice.run({.refund = 100}, start + 5 * ms).refunded == 15);
    REQUIRE(alice.at(start + 5 * ms).remaining == 100);
    REQUIRE(alice.run({.refund = 1}, start + second).refunded == 0);
}

TEST_CASE("gcra: what is left of a cell that is refilling already can be given back", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(1, start));
    REQUIRE(alice.run({.refund = 1}, start + ms - 1).refunded == 1);
    REQUIRE(alice.at(start + ms - 1).remaining == 100);
    REQUIRE(alice.run({.refund = 1}, start + ms - 1).refunded == 0);
}

TEST_CASE("gcra: cells that went back count again in the same call", "[limiter]")
{
    key alice{fast};
    REQUIRE(alice.take(100, start));
    REQUIRE(alice.run({.refund = 5, .cost = 5}, start).granted);
    REQUIRE_FALSE(alice.take(1, start));
}
