#include "common/core/retry_budget.hpp"

#include <catch2/catch.hpp>

#include "tests/support/dice.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;

constexpr boot_time start{1h};
constexpr retry_limits bounds{.part = 0.1, .per_second = 1, .most = 20};

int spend_all(retry_budget& from, boot_time now)
{
    int granted = 0;
    while (from.spend(now)) ++granted;
    return granted;
}

}  // namespace

TEST_CASE("retry budget: what is saved up, then a tenth of the requests", "[core]")
{
    retry_budget budget{start, bounds};
    CHECK(spend_all(budget, start) == 20);
    for (int i = 0; i < 105; ++i) budget.earn();
    CHECK(spend_all(budget, start) == 10);
}

TEST_CASE("retry budget: a request now and then may be repeated, however few there are", "[core]")
{
    retry_budget budget{start, bounds};
    static_cast<void>(spend_all(budget, start));
    CHECK(!budget.spend(start + 900ms));
    CHECK(budget.spend(start + 1100ms));
    CHECK(spend_all(budget, start + 1h) == 20);
}

TEST_CASE("retry budget: a good hour is not saved up for a bad one", "[core]")
{
    retry_budget budget{start, bounds};
    for (int i = 0; i < 1'000'000; ++i) budget.earn();
    CHECK(spend_all(budget, start) == 20);
}

TEST_CASE("retry budget: never more than its bound, whatever comes when", "[core]")
{
    const std::uint64_t seed = GENERATE(range(1U, 21U));
    CAPTURE(seed);
    test::fast_dice random{seed};
    retry_budget budget{start, bounds};
    auto now = start;
    int requests = 0;
    int retries = 0;
    for (int i = 0; i < 5000; ++i) {
        now += std::chrono::milliseconds{random.below(40)};
        budget.earn();
        ++requests;
        while (random.below(3) != 0 && budget.spend(now)) ++retries;
    }
    const double seconds = std::chrono::duration<double>(now - start).count();
    CHECK(retries <= bounds.most + bounds.part * requests + bounds.per_second * seconds + 1e-6);
    CHECK(retries >= bounds.part * requests);
}
