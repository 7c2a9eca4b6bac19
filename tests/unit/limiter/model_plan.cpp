#include "tests/unit/limiter/model_plan.hpp"

#include <cmath>

namespace shoal::test {

std::uint64_t dice::next() noexcept
{
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

std::int64_t dice::between(std::int64_t least, std::int64_t most) noexcept
{
    return least + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most - least + 1));
}

double dice::unit() noexcept
{
    return static_cast<double>(next() >> 11U) * 0x1p-53;
}

bool dice::chance(double probability) noexcept
{
    return probability > 0 && unit() < probability;
}

std::int64_t dice::about(double mean) noexcept
{
    return static_cast<std::int64_t>(-mean * std::log1p(-unit()));
}

std::int64_t dice::of_any_size(std::int64_t least, std::int64_t most) noexcept
{
    const double ratio = static_cast<double>(most) / static_cast<double>(least);
    return static_cast<std::int64_t>(static_cast<double>(least) * std::pow(ratio, unit()));
}

limiter::rate random_rate(dice& random)
{
    // Periods that T does not divide are the rule, not the exception.
    const auto cell_us = random.of_any_size(50, 20'000);
    const auto limit = random.between(1, 300);
    return limiter::make_rate(limit, cell_us * limit + random.between(0, limit - 1), random.of_any_size(8, 300));
}

plan random_plan(dice& random)
{
    plan made;
    made.rules = {random_rate(random)};
    made.workers = static_cast<int>(random.between(1, 8));
    made.requests = static_cast<int>(random.of_any_size(60, 400));
    made.load = static_cast<double>(random.of_any_size(300, 12'000)) / 1000;
    made.varying = random.chance(0.5);
    made.owned = random.chance(0.3) ? 1 : random.chance(0.5) ? 0.7 : 0;
    made.bunched = random.chance(0.5) ? 0.05 : 0;
    made.most_cost = random.chance(0.5) ? 1 : 5;
    made.large_costs = random.chance(0.2) ? 0.05 : 0;
    made.exhausted = random.chance(0.3);
    made.usual_latency_us = random.of_any_size(60, 20'000);
    made.slow = random.chance(0.5) ? 0.1 : 0;
    // A schedule in which everything fails at once hides what one failure does.
    const auto some = [&random](double often) { return random.chance(0.3) ? often : 0; };
    made.lost_calls = some(0.05);
    made.lost_replies = some(0.1);
    made.pauses = some(0.02);
    made.kills = some(0.02);
    made.drains = some(0.03);
    made.evictions = some(0.02);
    made.hurried = some(0.2);
    made.tentative = some(0.2);
    made.refunds = some(0.03);
    made.deletes = some(0.01);
    made.peeks = some(0.1);
    return made;
}

plan contended_plan(dice& random)
{
    plan made;
    const auto cell_us = random.of_any_size(200, 5'000);
    const auto limit = random.between(1, 300);
    made.rules = {
        limiter::make_rate(limit, cell_us * limit + random.between(0, limit - 1), random.of_any_size(10, 60))};
    made.workers = static_cast<int>(random.between(2, 5));
    made.requests = static_cast<int>(random.of_any_size(100, 400));
    made.load = static_cast<double>(random.of_any_size(200, 8'000)) / 1000;
    made.following = static_cast<double>(random.between(0, 98)) / 100;
    made.bunched = static_cast<double>(random.between(0, 30)) / 100;
    made.floods = 0.02;
    made.most_cost = random.chance(0.8) ? 1 : 3;
    // Settlements have to come soon after their leases, so calls are quick beside L.
    made.least_latency_us = 10;
    made.usual_latency_us = random.of_any_size(10, 500);
    const auto some = [&random](double often) { return random.chance(0.5) ? often : 0; };
    made.peeks = some(0.3);
    made.drains = some(0.03);
    made.hurried = some(0.2);
    made.tentative = some(0.2);
    made.lost_replies = some(0.1);
    made.refunds = random.chance(0.2) ? 0.02 : 0;
    made.deletes = random.chance(0.2) ? 0.01 : 0;
    return made;
}

plan owned_plan(dice& random)
{
    plan made = contended_plan(random);
    made.owned = 1;
    made.peeks = made.tentative = made.drains = made.lost_replies = 0;
    made.pauses = 0.2;
    made.floods = 0.01;
    made.usual_latency_us = limiter::lease_span_us(made.rules.front()) / 20;
    return made;
}

plan crowded_plan(dice& random)
{
    plan made = contended_plan(random);
    made.peeks = made.tentative = made.drains = made.lost_replies = 0;
    made.load = 0.5;
    made.bunched = 0.5;
    made.floods = 0.3;
    made.slow = 0.6;
    made.hurried = 0.9;
    return made;
}

}  // namespace shoal::test
