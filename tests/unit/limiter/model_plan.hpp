#pragma once
// What happens in one simulated life of a key, and its randomness.

#include "services/limiter/gcra.hpp"

#include <cstdint>
#include <vector>

namespace shoal::test {

/// splitmix64 (Steele, Lea, Flood 2014): quick to seed, so that each schedule has a seed of its own.
class dice {
public:
    explicit dice(std::uint64_t seed) : state_{seed} {}

    [[nodiscard]] std::uint64_t next() noexcept;
    [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most) noexcept;
    [[nodiscard]] bool chance(double probability) noexcept;
    /// Of exponential distribution.
    [[nodiscard]] std::int64_t about(double mean) noexcept;
    /// Each order of magnitude is as likely as the next.
    [[nodiscard]] std::int64_t of_any_size(std::int64_t least, std::int64_t most) noexcept;

private:
    [[nodiscard]] double unit() noexcept;

    std::uint64_t state_;
};

/// Probabilities are per request that arrives, or per call where it says so.
struct plan {
    /// The rule's versions 1, 2, …; those after the first come at random times.
    std::vector<limiter::rate> rules;
    int workers = 1;
    /// By how much their clocks run faster or slower than Redis'.
    std::int64_t most_drift_ppm = 1000;
    int requests = 300;
    /// Cells asked for per cell that refills; where it varies, by turns a third, once and four times that.
    double load = 1;
    bool varying = false;
    /// Of requests that go to worker 0; the others go anywhere.
    double owned = 0;
    /// Of the others, those that go where the one before went.
    double following = 0;
    /// Of requests that come a dozen at once.
    double bunched = 0;
    /// After which everything that can be had is taken at one moment, from the cell and from every lease.
    double floods = 0;
    std::int64_t most_cost = 1;
    double large_costs = 0;
    /// Nothing is left of the burst at the start.
    bool exhausted = false;
    /// A single client that waits as long as it was told, instead of arrivals at random.
    bool lone_client = false;

    std::int64_t least_latency_us = 50;
    std::int64_t usual_latency_us = 300;
    std::int64_t longest_latency_us = 80'000;
    /// Per call.
    double slow = 0;
    double lost_calls = 0;
    double lost_replies = 0;

    double pauses = 0;
    double kills = 0;
    double drains = 0;
    double evictions = 0;
    /// Of requests that do not wait for long.
    double hurried = 0;
    double tentative = 0;
    double refunds = 0;
    double deletes = 0;
    double peeks = 0;
    /// Redis' clock; negative steps go back.
    double steps_forward = 0;
    double steps_back = 0;
};

/// A rule that leases, with L between a few and some hundred cells.
[[nodiscard]] limiter::rate random_rate(dice& random);
/// Everything but rule changes and steps of the clock.
[[nodiscard]] plan random_plan(dice& random);
/// Several workers hold leases of a budget that is nearly used up, and settle them in every order.
[[nodiscard]] plan contended_plan(dice& random);
/// One worker leases again and again, and stops at any moment.
[[nodiscard]] plan owned_plan(dice& random);
/// Many wait for calls that take long, and many of them leave before the reply.
[[nodiscard]] plan crowded_plan(dice& random);

}  // namespace shoal::test
