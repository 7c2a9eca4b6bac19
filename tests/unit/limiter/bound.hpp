#pragma once
// The limiter's promise, checked on what was admitted.

#include "services/limiter/gcra.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace shoal::test {

/// Cells that were admitted, or that may be admitted once more.
struct moved_cells {
    std::int64_t at_us = 0;
    std::int64_t cells = 0;
};

/// By how many cells, rounded up, the worst interval [a, b] exceeds burst + rate·(b − a) + what was allowed in
/// [a − lookback, b]; at most 0 when the promise holds. Both lists are in ascending order of time.
/// With S(t) = what was admitted until t less rate·t, an interval has S(b) − S(a) less what it is allowed, so the
/// worst one that ends at b begins where the rest is least: one pass. All times period_us, to stay exact.
[[nodiscard]] inline std::int64_t worst_excess(const limiter::rate& by, const std::vector<moved_cells>& admitted,
                                               const std::vector<moved_cells>& allowed = {},
                                               std::int64_t lookback_us = 0)
{
    std::int64_t worst = -by.burst * by.period_us;
    std::int64_t least = INT64_MAX;
    std::int64_t sum = 0;
    std::int64_t allowed_before = 0;
    std::int64_t allowed_now = 0;
    std::size_t before = 0;
    std::size_t now = 0;
    for (const auto& one : admitted) {
        for (; before < allowed.size() && allowed[before].at_us < one.at_us - lookback_us; ++before)
            allowed_before += allowed[before].cells;
        for (; now < allowed.size() && allowed[now].at_us <= one.at_us; ++now) allowed_now += allowed[now].cells;
        const std::int64_t refilled = (one.at_us - admitted.front().at_us) * by.limit;
        least = std::min(least, (sum - allowed_before) * by.period_us - refilled);
        sum += one.cells;
        worst = std::max(worst, (sum - allowed_now - by.burst) * by.period_us - refilled - least);
    }
    return worst / by.period_us + (worst % by.period_us > 0 ? 1 : 0);
}

/// Fails unless at most burst + rate·T were admitted in any interval T. `admitted` has the time of each cell in
/// ascending order.
inline void require_bound(const limiter::rate& by, const std::vector<std::int64_t>& admitted)
{
    std::vector<moved_cells> cells;
    cells.reserve(admitted.size());
    for (const auto at : admitted) cells.push_back({.at_us = at, .cells = 1});
    CAPTURE(by.limit, by.period_us, by.burst);
    REQUIRE(worst_excess(by, cells) <= 0);
}

}  // namespace shoal::test
