#pragma once
// What was decided about a key, whatever algorithm its rule has and whoever decided. Pure values.

#include <cstdint>

namespace shoal::limiter {

/// How a key stands; times in microseconds from the decision.
struct standing {
    std::int64_t remaining = 0;
    /// Until the whole budget is there again.
    std::int64_t reset_us = 0;
    /// Until the cost that was asked for would be granted to a lone client; 0 if it would be now.
    std::int64_t retry_after_us = 0;
};

enum class decided_by : std::uint8_t { memory, redis, policy };

struct outcome {
    bool granted = false;
    standing after{};
    decided_by by = decided_by::redis;
    /// The first verdict for an Idempotency-Key, not one of now.
    bool replayed = false;
    /// The Idempotency-Key was used with another cost before: nothing was decided.
    bool other_cost = false;
    /// Cells that this call leased beyond its own cost, and cells of an earlier lease that it gave back.
    std::int64_t leased = 0;
    std::int64_t returned = 0;
};

struct refunded {
    std::int64_t cells = 0;
    standing after{};
};

}  // namespace shoal::limiter
