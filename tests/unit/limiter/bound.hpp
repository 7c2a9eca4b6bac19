#pragma once
// The limiter's promise, checked on what was admitted.

#include "services/limiter/gcra.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <vector>

namespace shoal::test {

/// Fails unless at most burst + rate * T were admitted in any interval T. `admitted` has the time of each cell in
/// ascending order; intervals that begin and end with an admission are the tightest.
inline void require_bound(const limiter::rate& by, const std::vector<std::int64_t>& admitted)
{
    for (std::size_t first = 0; first < admitted.size(); ++first) {
        for (std::size_t last = first; last < admitted.size(); ++last) {
            const auto count = static_cast<std::int64_t>(last - first + 1);
            // long double has the 64 bits that these products need.
            const auto elapsed = static_cast<long double>(admitted[last] - admitted[first]);
            if (static_cast<long double>(count - by.burst) * static_cast<long double>(by.period_us) <=
                elapsed * static_cast<long double>(by.limit))
                continue;
            CAPTURE(by.limit, by.period_us, by.burst, count, admitted[first], admitted[last]);
            FAIL("more than burst + rate * T were admitted");
        }
    }
}

}  // namespace shoal::test
