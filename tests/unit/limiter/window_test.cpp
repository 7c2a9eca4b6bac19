#include "services/limiter/window.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <random>

using namespace shoal::limiter;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t length = 60 * second;
constexpr std::int64_t start = 29'397'033 * length;

/// The minute that holds `now_us`.
counter fresh(std::int64_t now_us, std::int64_t limit, std::int64_t version = 1)
{
    const auto begin = now_us - now_us % length;
    return {.in = {.begin_us = begin, .end_us = begin + length}, .limit = limit, .version = version};
}

/// A key's life.
struct key {
    std::optional<counter> stored{};

    bool take(std::int64_t cost, std::int64_t now, std::int64_t limit = 10, std::int64_t version = 1)
    {
        auto settled = settle(stored, fresh(now, limit, version), now);
        const bool granted = shoal::limiter::take(settled, cost);
        stored = settled;
        return granted;
    }
    [[nodiscard]] standing at(std::int64_t now, std::int64_t cost = 1, std::int64_t limit = 10) const
    {
        return standing_of(settle(stored, fresh(now, limit), now), cost, now);
    }
};

}  // namespace

TEST_CASE("window: the limit is there once in each window, whole or not at all", "[limiter]")
{
    key alice;
    REQUIRE(alice.take(7, start));
    REQUIRE_FALSE(alice.take(4, start + 1));
    REQUIRE(alice.take(3, start + length - 1));
    REQUIRE_FALSE(alice.take(1, start + length - 1));
    REQUIRE(alice.take(10, start + length));
    REQUIRE_FALSE(alice.take(1, start + length));
    REQUIRE(alice.take(10, start + 5 * length + 17));
}

TEST_CASE("window: a refused client waits for the window's end, and is admitted then", "[limiter]")
{
    key alice;
    REQUIRE(alice.at(start + second).reset_us == 0);
    REQUIRE(alice.at(start + second, 11).retry_after_us == 59 * second);
    REQUIRE(alice.take(8, start + second));
    REQUIRE(alice.at(start + second).remaining == 2);
    REQUIRE(alice.at(start + second).reset_us == 59 * second);
    REQUIRE(alice.at(start + second, 2).retry_after_us == 0);
    REQUIRE(alice.at(start + 20 * second, 3).retry_after_us == 40 * second);
    REQUIRE_FALSE(alice.take(3, start + length - 1));
    REQUIRE(alice.take(3, start + length));
}

TEST_CASE("window: a refund gives back at most what was taken in the window", "[limiter]")
{
    auto counts = fresh(start, 10);
    REQUIRE(refund(counts, 3) == 0);
    REQUIRE(take(counts, 4));
    REQUIRE(refund(counts, 3) == 3);
    REQUIRE(refund(counts, 3) == 1);
    REQUIRE(counts == fresh(start, 10));
}

TEST_CASE("window: a changed limit goes on counting in the same window", "[limiter]")
{
    key alice;
    REQUIRE(alice.take(8, start, 10, 1));
    REQUIRE(alice.take(12, start, 20, 2));
    REQUIRE_FALSE(alice.take(1, start, 20, 2));
    REQUIRE_FALSE(alice.take(1, start, 5, 3));
    REQUIRE(alice.at(start, 1, 5).remaining == 0);
    REQUIRE(alice.take(0, start, 5, 3));
    REQUIRE(alice.take(5, start + length, 5, 3));
}

TEST_CASE("window: a newer rule's window counts on from the same begin, another begins at nothing", "[limiter]")
{
    const auto with = [](window in, std::int64_t version) {
        return counter{.in = in, .limit = 10, .version = version};
    };
    auto stored = with({start, start + length}, 1);
    REQUIRE(take(stored, 6));
    const auto longer = settle(stored, with({start, start + 60 * length}, 2), start + second);
    REQUIRE(longer.taken == 6);
    REQUIRE(longer.in == window{start, start + 60 * length});
    REQUIRE(settle(stored, with({start - length, start + 60 * length}, 2), start + second).taken == 0);
}

TEST_CASE("window: a worker of an older version, or with another calendar, can't begin a running window again",
          "[limiter]")
{
    const counter stored{.in = {start, start + length}, .taken = 10, .limit = 10, .version = 2};
    const counter other{.in = {start - length, start + 30 * second}, .limit = 100, .version = 1};
    REQUIRE(settle(stored, other, start + second) == stored);
    auto same = other;
    same.version = 2;
    REQUIRE(settle(stored, same, start + second).in == stored.in);
    REQUIRE(settle(stored, same, start + second).taken == 10);
    REQUIRE(settle(stored, other, start + length) == other);
}

TEST_CASE("window: a clock that goes back a little admits nothing more", "[limiter]")
{
    key alice;
    REQUIRE(alice.take(10, start + 5));
    REQUIRE_FALSE(alice.take(1, start - 1));
    REQUIRE(alice.at(start - 1).retry_after_us == length + 1);
    REQUIRE_FALSE(alice.take(1, start + length - 1));
    REQUIRE(alice.take(10, start + length));
}

TEST_CASE("window: a clock that goes back far refuses at most to the end of the window that it is in", "[limiter]")
{
    key alice;
    REQUIRE(alice.take(10, start));
    const auto back = start - 1000 * length;
    REQUIRE_FALSE(alice.take(1, back));
    REQUIRE(alice.at(back).retry_after_us == length);
    REQUIRE(alice.take(10, back + length));
}

TEST_CASE("window: never more than the limit in a window, and one limit more for a step back over one",
          "[limiter][property]")
{
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto between = [&random](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random);
    };
    for (int round = 0; round < 200; ++round) {
        key alice;
        std::array<std::int64_t, 40> admitted{};
        std::int64_t allowed = 10;
        auto now = start;
        auto refused_since = now;
        for (int i = 0; i < 400; ++i) {
            if (between(0, 60) == 0) {
                now -= std::min(between(0, 5 * length), now - start);
                refused_since = now;
            }
            now = std::min(now + between(0, length / 4), start + 40 * length - 1);
            if (alice.stored && alice.stored->in.begin_us > fresh(now, 10).in.end_us) allowed += 10;
            const auto cost = between(1, 4);
            if (alice.take(cost, now)) {
                // In the window that it counts in: after a small step back that is the next one.
                admitted[static_cast<std::size_t>((alice.stored->in.begin_us - start) / length)] += cost;
                refused_since = now;
            }
            REQUIRE(now - refused_since < 2 * length + length / 4);
        }
        for (const auto count : admitted) REQUIRE(count <= allowed);
    }
}
