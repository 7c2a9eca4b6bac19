#include "tests/load/domain/histogram.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "tests/support/dice.hpp"

using namespace shoal::load;
using namespace std::chrono_literals;

namespace {

/// The value of which at least that share is not above it, from all values.
std::chrono::nanoseconds exact(const std::vector<std::chrono::nanoseconds>& sorted, double q)
{
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size()) - 1e-9));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

/// From nanoseconds to minutes, as likely in each power of ten.
std::chrono::nanoseconds any_latency(shoal::test::fast_dice& dice)
{
    const double exponent = static_cast<double>(dice.below(1'000'000)) / 1'000'000 * 11.5;
    return std::chrono::nanoseconds{static_cast<std::int64_t>(std::pow(10, exponent))};
}

}  // namespace

TEST_CASE("histogram: a quantile is never too low, and too high by at most the promised part", "[load]")
{
    constexpr std::uint64_t seed = 7;
    INFO("seed " << seed);
    shoal::test::fast_dice dice{seed};
    for (const unsigned precision : {5U, 7U, 8U}) {
        for (const std::size_t size : {1U, 2U, 10U, 1000U, 30'000U}) {
            histogram seen{precision};
            std::vector<std::chrono::nanoseconds> values;
            for (std::size_t i = 0; i < size; ++i) values.push_back(any_latency(dice));
            for (const auto value : values) seen.add(value);
            std::ranges::sort(values);
            for (const double q : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
                const auto right = exact(values, q);
                INFO("precision " << precision << ", " << size << " values, quantile " << q);
                REQUIRE(seen.quantile(q) >= right);
                REQUIRE(static_cast<double>((seen.quantile(q) - right).count()) <=
                        seen.relative_error() * static_cast<double>(right.count()));
            }
            REQUIRE(seen.largest() == values.back());
            REQUIRE(seen.quantile(1) == values.back());
        }
    }
}

TEST_CASE("histogram: p99 of 1000 values is the 990th and p999 the 999th", "[load]")
{
    histogram seen{8};
    for (int i = 1; i <= 1000; ++i) seen.add(std::chrono::nanoseconds{i <= 500 ? i : 500});
    CHECK(seen.quantile(0.25) == 250ns);
    histogram tail{8};
    for (int i = 0; i < 990; ++i) tail.add(1ns);
    for (int i = 0; i < 9; ++i) tail.add(100ns);
    tail.add(200ns);
    CHECK(tail.quantile(0.99) == 1ns);
    CHECK(tail.quantile(0.9901) == 100ns);
    CHECK(tail.quantile(0.999) == 100ns);
    CHECK(tail.quantile(1) == 200ns);
}

TEST_CASE("histogram: nothing seen is nothing, and what is out of range counts as its end", "[load]")
{
    histogram seen{8};
    CHECK(seen.quantile(0.99) == 0ns);
    CHECK(seen.mean() == 0ns);
    seen.add(-5ns);
    CHECK(seen.quantile(1) == 0ns);
    seen.add(1000h);
    CHECK(seen.count() == 2);
    CHECK(seen.largest() == std::chrono::nanoseconds{(std::int64_t{1} << 42) - 1});
    CHECK(seen.quantile(1) == seen.largest());
}

TEST_CASE("histogram: the buckets meet each other and have every value", "[load]")
{
    shoal::test::fast_dice dice{11};
    histogram seen{7};
    for (int i = 0; i < 50'000; ++i) seen.add(any_latency(dice));
    std::uint64_t count = 0;
    std::chrono::nanoseconds last{-1};
    seen.visit([&](auto from, auto to, auto here) {
        REQUIRE(from >= last);
        REQUIRE(to > from);
        last = to;
        count += here;
    });
    CHECK(count == 50'000);
}

TEST_CASE("histogram: two that are merged are one that saw all", "[load]")
{
    shoal::test::fast_dice dice{13};
    histogram first{8};
    histogram second{8};
    histogram both{8};
    for (int i = 0; i < 5000; ++i) {
        const auto value = any_latency(dice);
        (i % 3 == 0 ? first : second).add(value);
        both.add(value);
    }
    first.merge(second);
    CHECK(first.count() == both.count());
    for (const double q : {0.1, 0.5, 0.99}) CHECK(first.quantile(q) == both.quantile(q));
    CHECK(first.largest() == both.largest());
    CHECK(first.mean() == both.mean());
}
