#pragma once
// Rules as tests need them.

#include "services/limiter/rule.hpp"

namespace shoal::test {

[[nodiscard]] inline limiter::rule make_gcra(std::int64_t limit, std::int64_t period_us, std::int64_t burst,
                                             std::int64_t version = 1)
{
    limiter::rule made;
    made.name = "test";
    made.limit = limit;
    made.period_us = period_us;
    made.decide = limiter::make_rate(limit, period_us, burst);
    made.max_cost = burst;
    made.version = version;
    return made;
}

}  // namespace shoal::test
