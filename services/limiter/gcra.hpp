#pragma once
// The generic cell rate algorithm (ITU-T I.371, annex A) in exact integer arithmetic.
//
// With T = period / limit (the time that one cell costs) a key's theoretical arrival time is
// TAT = base + taken·T. A cost is granted if TAT stays within burst·T of now. Holding the count of cells and
// not TAT itself keeps it exact when T is not a whole number of microseconds: 3 per second are exactly 3.
// take.lua computes the same from the same numbers; a test holds the two together.

#include <cstdint>
#include <optional>

#include "services/limiter/outcome.hpp"

namespace shoal::limiter {

/// `limit` cells per `period_us`, in lowest terms, and how many may come at once.
/// Bounds, so that take.lua's doubles stay exact: limit and burst <= 10^7, burst·T <= 366 days.
struct rate {
    std::int64_t period_us = 1;
    std::int64_t limit = 1;
    std::int64_t burst = 1;

    bool operator==(const rate&) const = default;
};

/// `limit` and `period_us` reduced by their greatest common divisor.
[[nodiscard]] rate make_rate(std::int64_t limit, std::int64_t period_us, std::int64_t burst) noexcept;

/// Microseconds of Redis' clock. `base_us` may lie ahead of now after a change of the rate.
struct cell {
    std::int64_t base_us = 0;
    std::int64_t taken = 0;

    bool operator==(const cell&) const = default;
};

struct decision {
    bool granted = false;
    /// The cell as it counts now.
    cell after;
    /// `after` must be stored: cells were taken, or what was stored owed more than it can.
    bool changed = false;
};

/// The state as it counts at `now`: a cell that is empty again, or that a step of the clock or a smaller burst
/// put beyond what it can owe, is brought back into range.
[[nodiscard]] cell settle(const rate& by, const std::optional<cell>& stored, std::int64_t now_us) noexcept;

/// `cost` 0 peeks. `now_us` may go back between calls.
[[nodiscard]] decision take(const rate& by, const std::optional<cell>& stored, std::int64_t cost,
                            std::int64_t now_us) noexcept;

/// The cell under another rate: what it owes in cells stays the same. Must be stored even when nothing is taken then,
/// or it goes on refilling at the old rate.
[[nodiscard]] cell convert(const cell& stored, const rate& from, const rate& to, std::int64_t now_us) noexcept;

/// `settled` comes from settle() or take() at the same `now_us`.
[[nodiscard]] standing standing_of(const rate& by, const cell& settled, std::int64_t cost,
                                   std::int64_t now_us) noexcept;

}  // namespace shoal::limiter
