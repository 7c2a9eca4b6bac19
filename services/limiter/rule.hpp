#pragma once
// A rule as the operator wrote it, and what decides by it. Pure values.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "services/limiter/calendar.hpp"
#include "services/limiter/gcra.hpp"

namespace shoal::limiter {

enum class algorithm : std::uint8_t { gcra, window, concurrency };

/// What to answer while Redis can't be asked.
enum class without_redis : std::uint8_t { deny, allow, local };

/// Which header fields tell a client how its key stands.
enum class dialect : std::uint8_t { ratelimit, x_ratelimit, none };

struct rule {
    /// [a-z0-9_-]{1,64}: it stands in paths, in Redis keys and in a structured field's string.
    std::string name{};
    algorithm kind = algorithm::gcra;
    /// gcra: requests per `period_us` microseconds, as written. window: per window. concurrency: slots.
    std::int64_t limit = 0;
    /// window: its nominal length; a month counts as 30 days. concurrency: 0.
    std::int64_t period_us = 0;
    /// gcra: the same rate in lowest terms, and the burst.
    rate decide{};
    /// window: null for other algorithms.
    std::shared_ptr<const calendar> windows{};
    std::int64_t max_cost = 1;
    /// concurrency: how long a slot may be held without being renewed.
    std::int64_t max_ttl_ms = 600'000;
    without_redis outage = without_redis::deny;
    /// Counts and reports, never refuses.
    bool shadow = false;
    dialect headers = dialect::ratelimit;
    /// /v1/check makes the key of these request headers when it is given none.
    std::vector<std::string> key_headers{};
    /// Grows with each change of the configuration. A cell that a newer version moved is judged by that version.
    std::int64_t version = 0;
};

}  // namespace shoal::limiter
