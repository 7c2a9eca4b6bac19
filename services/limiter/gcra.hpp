#pragma once
// The generic cell rate algorithm (ITU-T I.371, annex A) in exact integer arithmetic, with leases.
//
// With T = period / limit (the time that one cell costs) a key's theoretical arrival time is
// TAT = base + taken·T. A cost is granted if TAT stays within burst·T of now. Holding the count of cells and
// not TAT itself keeps it exact when T is not a whole number of microseconds: 3 per second are exactly 3.
//
// A lease is cells that a worker takes in one call and spends from memory for lease_span_us(). It is charged as
// if it were spent at its end, so that what is leased and what is taken at once add up to one limit.
// cell.lua computes the same from the same numbers; a test holds the two together.

#include <cstdint>
#include <optional>

#include "services/limiter/outcome.hpp"

namespace shoal::limiter {

/// `limit` cells per `period_us`, in lowest terms, and how many may come at once.
/// Bounds, so that cell.lua's doubles stay exact: limit and burst <= 10^7, burst·T <= 366 days.
struct rate {
    std::int64_t period_us = 1;
    std::int64_t limit = 1;
    std::int64_t burst = 1;

    bool operator==(const rate&) const = default;
};

/// `limit` and `period_us` reduced by their greatest common divisor.
[[nodiscard]] rate make_rate(std::int64_t limit, std::int64_t period_us, std::int64_t burst) noexcept;

/// L: how long a lease lasts, at most 50 ms and a quarter of the burst.
[[nodiscard]] std::int64_t lease_span_us(const rate& by) noexcept;
/// The most cells of one lease: what refills in L. Below 2 the rate is too slow for leases.
[[nodiscard]] std::int64_t most_leased(const rate& by) noexcept;

/// Microseconds of Redis' clock. `base_us` may lie ahead of now.
struct cell {
    std::int64_t base_us = 0;
    std::int64_t taken = 0;
    /// Cells by which TAT has been moved back, rounded up; counts modulo 2^32.
    std::uint32_t returned = 0;
    /// Of the time when the key's budget began anew. What was leased from another one can't be given back.
    std::uint32_t generation = 0;

    bool operator==(const cell&) const = default;
};

/// A lease as its worker remembers it: enough to give back what was not spent, and not a cell more.
struct settlement {
    cell before;
    cell after;
    std::int64_t granted = 0;
    std::int64_t unspent = 0;
    /// Of the rule that judged; what was leased under another version can't be given back.
    std::int64_t version = 0;
};

/// One operation on a cell. Its parts happen in this order.
struct ask {
    /// Nothing of it may be spent from now on.
    std::optional<settlement> settles{};
    /// Gives back at most what is owed.
    std::int64_t refund = 0;
    /// 0 takes nothing and is granted.
    std::int64_t cost = 0;
    /// Cells to take at once for all who wait, `cost` among them; as many of them as there are, or only `cost`.
    std::int64_t crowd = 0;
    /// Cells to lease instead, `cost` among them; as many of them as there are. Only who is alone gets a lease: what
    /// several workers hold when a budget ends would be missing from it.
    std::int64_t wanted = 0;
};

struct decision {
    bool granted = false;
    /// Cells taken: the cost, or more for a crowd or when they are leased.
    std::int64_t cells = 0;
    bool leased = false;
    /// Nobody has moved the cell since `settles` was granted: whoever asks owns the key for now.
    bool alone = false;
    std::int64_t returned = 0;
    std::int64_t refunded = 0;
    /// The cell as it counts now, before and after cells were taken.
    cell before;
    cell after;
    /// `after` must be stored: cells were moved, or what was stored owed more than it can.
    bool changed = false;
};

/// The state as it counts at `now`: a cell that is empty again, or that a step of the clock or a smaller burst
/// put beyond what it can owe, is brought back into range.
[[nodiscard]] cell settle(const rate& by, const std::optional<cell>& stored, std::int64_t now_us) noexcept;

/// `now_us` may go back between calls. `asked.settles` is of the same version as `stored`.
[[nodiscard]] decision decide(const rate& by, const std::optional<cell>& stored, const ask& asked,
                              std::int64_t now_us) noexcept;

/// What `of` would be at `now` if the lease were settled and nobody else had moved the cell since.
[[nodiscard]] cell settled_alone(const rate& by, const settlement& of, std::int64_t now_us) noexcept;

/// The cell under another rate: what it owes in cells stays the same. Must be stored even when nothing is taken then,
/// or it goes on refilling at the old rate.
[[nodiscard]] cell convert(const cell& stored, const rate& from, const rate& to, std::int64_t now_us) noexcept;

/// `settled` comes from settle() or decide() at the same `now_us`.
[[nodiscard]] standing standing_of(const rate& by, const cell& settled, std::int64_t cost,
                                   std::int64_t now_us) noexcept;

}  // namespace shoal::limiter
