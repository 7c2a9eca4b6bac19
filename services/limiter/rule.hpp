#pragma once
// A rule as the operator wrote it, and the rate that decides. Pure values.

#include <cstdint>
#include <string>

#include "services/limiter/gcra.hpp"

namespace shoal::limiter {

/// What to answer while Redis can't be asked.
enum class without_redis : std::uint8_t { deny, allow };

struct rule {
    /// [a-z0-9_-]{1,64}: it stands in paths, in Redis keys and in a structured field's string.
    std::string name;
    /// `limit` requests per `period_us` microseconds, as written; `decide` is the same rate in lowest terms.
    std::int64_t limit = 0;
    std::int64_t period_us = 0;
    rate decide;
    std::int64_t max_cost = 1;
    without_redis outage = without_redis::deny;
    /// Grows with each change of the configuration. A cell that a newer version moved is judged by that version.
    std::int64_t version = 0;
};

}  // namespace shoal::limiter
