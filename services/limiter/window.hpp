#pragma once
// Counts what is taken in a calendar window. window.lua computes the same; a test holds the two together. Pure.

#include <cstdint>
#include <optional>

#include "services/limiter/calendar.hpp"
#include "services/limiter/outcome.hpp"

namespace shoal::limiter {

/// `taken` may be above `limit` when the limit was lowered.
struct counter {
    window in;
    std::int64_t taken = 0;
    std::int64_t limit = 0;
    /// Of the rule that `in` and `limit` are from.
    std::int64_t version = 0;

    bool operator==(const counter&) const = default;
};

/// How a key counts at `now_us`. `fresh` is the counter of the caller's own rule in the window around now, with
/// nothing taken.
///
/// A running window stays in force until it ends or a newer version of the rule has another one; a count goes on in
/// the window of the same begin. A stored window that has not begun means that the clock was put back: when it is
/// the next one it stays in force, else its count moves into the window around now. So nobody is refused longer
/// than to the end of the next window, and only a step back over a whole window forgets a count: it admits up to one
/// more limit.
[[nodiscard]] counter settle(const std::optional<counter>& stored, const counter& fresh, std::int64_t now_us) noexcept;

/// All of the cost, or nothing.
[[nodiscard]] bool take(counter& from, std::int64_t cost) noexcept;
/// Returns what was given back: at most what is taken.
std::int64_t refund(counter& to, std::int64_t cost) noexcept;

[[nodiscard]] standing standing_of(const counter& settled, std::int64_t cost, std::int64_t now_us) noexcept;

}  // namespace shoal::limiter
