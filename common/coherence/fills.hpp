#pragma once
// What may be done with a response that is on its way, that was validated, or that is stale (rules 7 to 9 and 11 of
// coherence: services/cache/README.md).

#include <optional>
#include <span>

#include "common/coherence/stamp.hpp"
#include "common/coherence/view.hpp"
#include "common/core/clock.hpp"

namespace shoal::coherence {

/// Of a request that shares the fill of another one.
struct fill_ticket {
    /// The position at which it joined; nothing when the fill was sent after the request had begun, which needs no
    /// further proof.
    std::optional<stamp> joined;
};

/// Whether a request that began at `began` may share a fill, at `now`. `sent` is a clock read before the fill's request
/// went to the origin; nothing while it has not. Nothing: the request waits for the next fill, or makes it.
[[nodiscard]] std::optional<fill_ticket> join_fill(const coherence_view& log, boot_time now, boot_time began,
                                                   std::optional<boot_time> sent) noexcept;

/// What the fill's response is to the holder of the ticket, once its tags are known; asked at its head, and of what is
/// cut off later at its end. A purged one is fetched again.
[[nodiscard]] standing follow_fill(const coherence_view& log, const stamp& fill, const fill_ticket& holder,
                                   std::span<const tag> tags) noexcept;

/// Whether a 304 may renew a stored response: a weak validator does not tell bytes apart, so after a hard purge it
/// proves nothing, nor when one may be unknown. What is renewed gets the position of when the conditional request was
/// sent, and must be the same fill still.
[[nodiscard]] bool may_validate(const coherence_view& log, boot_time now, standing of, bool strong_validator) noexcept;

/// Whether what needs validation may be served meanwhile, or when that fails (RFC 5861), as far as purges go.
[[nodiscard]] bool may_serve_stale(const coherence_view& log, boot_time now, standing of) noexcept;

/// Of a response put together from two: as old as its older piece. Pieces of different epochs make nothing.
[[nodiscard]] stamp of_pieces(const stamp& one, const stamp& other) noexcept;

}  // namespace shoal::coherence
