// What an answer from memory allocates.

#include <optional>

#include <catch2/catch.hpp>

#include "common/metrics/metrics.hpp"
#include "services/limiter/handlers_referee.hpp"
#include "tests/support/counted_allocations.hpp"

namespace {

using namespace shoal;
using namespace shoal::limiter;

/// Everything that a handler does beside asking the store.
std::size_t allocated_by(const rule_book& book, referee& judge, const outcome& made, unsigned status)
{
    const auto before = test::allocations();
    std::optional<http::response> answered;
    {
        const auto* const rule = book.find("demo");
        const auto key = read_key("a-key-that-is-longer-than-what-fits-into-a-string");
        const auto cost = read_cost("cost=3", "");
        const auto said = judge.settle(*rule, key->view(), made);
        answered = answer(*rule, made, said, status);
        (void)cost;
    }
    const auto counted = test::allocations() - before;
    REQUIRE(answered->status() == status);
    return counted;
}

}  // namespace

TEST_CASE("allocations: an answer from memory is two, its header fields and its body", "[limiter]")
{
    metrics::registry metrics;
    rule demo{.name = "demo", .limit = 10'000'000, .period_us = 60'000'000};
    demo.headers = GENERATE(dialect::ratelimit, dialect::x_ratelimit, dialect::none);
    const rule_book book{{demo}, metrics};
    referee judge;
    const standing most{.remaining = 10'000'000, .reset_us = 31'622'400'000'000, .retry_after_us = 31'622'400'000'000};
    const outcome granted{.granted = true, .after = most, .by = decided_by::memory, .leased = 3, .returned = 2};
    const outcome refused{.after = most, .by = decided_by::memory};
    // The first refusal of a key is remembered.
    (void)allocated_by(book, judge, refused, 429);
    CHECK(allocated_by(book, judge, granted, 200) == 2);
    CHECK(allocated_by(book, judge, refused, 429) == 2);
    CHECK(allocated_by(book, judge, granted, 204) <= 1);
}
