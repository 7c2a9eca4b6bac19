// Leases, crowds and what is given back, on one cell.

#include "services/limiter/gcra.hpp"

#include <catch2/catch.hpp>

#include <optional>

namespace {

using namespace shoal::limiter;

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t ms = 1000;
constexpr std::int64_t start = 1'763'822'000 * second;
/// 1000 a second, bursts of 100: T is 1 ms, L 25 ms, a lease at most 25 cells.
const rate fast = make_rate(1000, second, 100);

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

    standing at(std::int64_t now) const { return standing_of(by, settle(by, stored, now), 1, now); }
};

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
