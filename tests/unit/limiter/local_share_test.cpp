#include "services/limiter/local_share.hpp"

#include <deque>
#include <random>

#include <catch2/catch.hpp>

#include "tests/unit/limiter/bound.hpp"

using namespace shoal::limiter;

namespace {

constexpr std::int64_t second = 1'000'000;

rule paced(std::int64_t limit, std::int64_t period_us, std::int64_t burst)
{
    return {.name = "r", .limit = limit, .period_us = period_us, .decide = make_rate(limit, period_us, burst)};
}

/// Windows of ten seconds of the wall's clock.
class tens final : public calendar {
public:
    [[nodiscard]] window around(std::int64_t now_us) const override
    {
        const auto begin = now_us - now_us % (10 * second);
        return {begin, begin + 10 * second};
    }
    [[nodiscard]] span length() const noexcept override { return span::second; }
    [[nodiscard]] const std::string& zone() const noexcept override { return zone_; }

private:
    std::string zone_ = "UTC";
};

rule windowed(std::int64_t limit)
{
    return {.name = "w", .kind = algorithm::window, .limit = limit, .windows = std::make_shared<tens>()};
}

rule slotted(std::int64_t limit)
{
    return {.name = "s", .kind = algorithm::concurrency, .limit = limit};
}

local_time at(std::int64_t us)
{
    return {.boot_us = us, .wall_us = 1'000'000 * second + us};
}

int taken_at_once(local_share& by, const rule& of, local_time now)
{
    int count = 0;
    while (by.take(of, "k", 1, now).granted) ++count;
    return count;
}

}  // namespace

TEST_CASE("local share: a worker admits its part of the burst and of the rate", "[limiter]")
{
    local_share by;
    by.set_workers(4);
    const auto of = paced(10, 10 * second, 20);
    REQUIRE(taken_at_once(by, of, at(0)) == 5);
    const auto refused = by.take(of, "k", 1, at(0));
    REQUIRE(refused.by == decided_by::policy);
    REQUIRE(refused.after.remaining == 0);
    REQUIRE(refused.after.retry_after_us == 4 * second);
    REQUIRE_FALSE(by.take(of, "k", 1, at(4 * second - 1)).granted);
    REQUIRE(by.take(of, "k", 1, at(4 * second)).granted);
    REQUIRE(by.take(of, "other", 1, at(0)).granted);
}

TEST_CASE("local share: N workers together stay within the rate and the larger of burst and N", "[limiter]")
{
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937_64 dice{seed};
    for (int round = 0; round < 200; ++round) {
        const auto draw = [&dice](std::int64_t least, std::int64_t most) {
            return std::uniform_int_distribution<std::int64_t>{least, most}(dice);
        };
        const auto workers = draw(1, 9);
        const auto of = paced(draw(1, 50), draw(1000, 2 * second), draw(1, 30));
        std::deque<local_share> fleet;
        for (std::int64_t i = 0; i < workers; ++i) fleet.emplace_back().set_workers(workers);

        const rate together{.period_us = of.period_us, .limit = of.limit, .burst = std::max(of.decide.burst, workers)};
        std::vector<std::int64_t> admitted;
        std::int64_t now = 0;
        for (int i = 0; i < 400; ++i) {
            now += draw(0, 3) * of.period_us / of.limit / 2;
            const auto cost = draw(1, 3);
            auto& one = fleet[static_cast<std::size_t>(draw(0, workers - 1))];
            if (one.take(of, "k", cost, at(now)).granted)
                admitted.insert(admitted.end(), static_cast<std::size_t>(cost), now);
        }
        shoal::test::require_bound(together, admitted);
    }
}

TEST_CASE("local share: a window admits its part once, whatever the boot clock says", "[limiter]")
{
    local_share by;
    by.set_workers(3);
    const auto of = windowed(10);
    REQUIRE(taken_at_once(by, of, at(second)) == 3);
    const auto refused = by.take(of, "k", 1, {.boot_us = 100 * second, .wall_us = at(4 * second).wall_us});
    REQUIRE_FALSE(refused.granted);
    REQUIRE(refused.after.retry_after_us == 6 * second);
    REQUIRE(taken_at_once(by, of, at(10 * second)) == 3);
    by.set_workers(30);
    REQUIRE(taken_at_once(by, of, at(20 * second)) == 1);
}

TEST_CASE("local share: slots are held until they are released or expire", "[limiter]")
{
    local_share by;
    by.set_workers(2);
    const auto of = slotted(5);
    REQUIRE(by.acquire(of, "k", "a", 1000, at(0)).after.remaining == 1);
    REQUIRE(by.acquire(of, "k", "b", 2000, at(0)).granted);
    const auto refused = by.acquire(of, "k", "c", 1000, at(second / 2));
    REQUIRE_FALSE(refused.granted);
    REQUIRE(refused.after.retry_after_us == second / 2);
    REQUIRE(refused.after.reset_us == 3 * second / 2);
    REQUIRE_FALSE(by.peek(of, "k", 1, at(second / 2)).granted);

    REQUIRE(by.renew(of, "k", "a", 3000, at(second / 2))->granted);
    REQUIRE_FALSE(by.renew(of, "k", "c", 1000, at(second / 2)));
    REQUIRE_FALSE(by.renew(of, "other", "a", 1000, at(second / 2)));
    REQUIRE(by.acquire(of, "k", "c", 1000, at(2 * second)).granted);
    REQUIRE(by.release(of, "k", "c", at(2 * second)));
    REQUIRE_FALSE(by.release(of, "k", "c", at(2 * second)));
    REQUIRE(by.acquire(of, "k", "d", 1000, at(2 * second)).granted);
    REQUIRE_FALSE(by.renew(of, "k", "a", 1000, at(4 * second)));
    REQUIRE(by.peek(of, "k", 1, at(4 * second)).after.remaining == 2);
}

TEST_CASE("local share: a peek takes nothing and a forgotten key begins anew", "[limiter]")
{
    local_share by;
    const auto of = paced(10, 10 * second, 10);
    REQUIRE(by.peek(of, "k", 10, at(0)).granted);
    REQUIRE_FALSE(by.peek(of, "k", 11, at(0)).granted);
    REQUIRE(by.size() == 0);
    REQUIRE(by.take(of, "k", 10, at(0)).granted);
    REQUIRE(by.take(of, "k", 0, at(0)).granted);
    REQUIRE_FALSE(by.peek(of, "k", 1, at(0)).granted);
    by.forget(of, "k");
    REQUIRE(by.take(of, "k", 10, at(0)).granted);
}

TEST_CASE("local share: a rule that changes keeps what was taken", "[limiter]")
{
    local_share by;
    REQUIRE(taken_at_once(by, paced(10, 10 * second, 10), at(0)) == 10);
    REQUIRE(taken_at_once(by, paced(20, 10 * second, 12), at(0)) == 2);
    by.set_workers(2);
    REQUIRE_FALSE(by.take(paced(20, 10 * second, 12), "k", 1, at(0)).granted);

    auto of = windowed(6);
    REQUIRE(taken_at_once(by, of, at(0)) == 3);
    by.set_workers(1);
    REQUIRE(taken_at_once(by, of, at(0)) == 3);
    of.limit = 8;
    of.version = 1;
    REQUIRE(taken_at_once(by, of, at(0)) == 2);
}

TEST_CASE("local share: memory is bounded, and who was used last stays", "[limiter]")
{
    local_share by{3};
    const auto of = paced(1, 1000 * second, 1);
    for (const auto* key : {"a", "b", "c"}) REQUIRE(by.take(of, key, 1, at(0)).granted);
    REQUIRE_FALSE(by.take(of, "a", 1, at(0)).granted);
    REQUIRE(by.take(of, "d", 1, at(0)).granted);
    REQUIRE(by.size() == 3);
    REQUIRE_FALSE(by.peek(of, "a", 1, at(0)).granted);
    REQUIRE(by.peek(of, "b", 1, at(0)).granted);

    const auto held = slotted(100);
    int acquired = 0;
    while (by.acquire(held, "k", std::to_string(acquired), 1000, at(0)).granted) ++acquired;
    REQUIRE(acquired == 2);
    REQUIRE(by.size() == 3);
    REQUIRE(by.acquire(held, "k", "late", 1000, at(second)).granted);
    REQUIRE(by.size() == 2);

    auto changed = paced(1, second, 1);
    changed.name = held.name;
    REQUIRE(by.take(changed, "k", 1, at(second)).granted);
    REQUIRE(by.size() == 1);
}
