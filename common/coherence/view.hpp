#pragma once
// What a worker knows of the purge log, and until when that counts as current.

#include <cstdint>
#include <span>

#include "common/coherence/lsn.hpp"
#include "common/coherence/stamp.hpp"
#include "common/core/clock.hpp"

namespace shoal::coherence {

/// Read by everything that serves or stores; written by the follower of the log alone.
class coherence_view {
public:
    virtual ~coherence_view() = default;

    /// The lease holds at `now`, a clock read after the request's last recv: what is stored may be served.
    [[nodiscard]] virtual bool current(boot_time now) const noexcept = 0;
    /// Of what is asked from the origin now; an epoch of zero before the log was ever read.
    [[nodiscard]] virtual stamp position() const noexcept = 0;
    /// Everything that could be seen in the database then is purged, as far as its relay says; long ago without one.
    [[nodiscard]] virtual boot_time relayed_at() const noexcept = 0;
    /// Everything that could be seen in the database then is in the views; long ago without a relay.
    [[nodiscard]] virtual boot_time viewed_at() const noexcept = 0;
    /// Every transaction that ends before is purged: what is fetched from here on, or was kept and may be served, shows
    /// it. Zero while nobody knows. Of another database's log after its relay has attached to that.
    [[nodiscard]] virtual lsn purged() const noexcept = 0;
    /// The same of the views.
    [[nodiscard]] virtual lsn viewed() const noexcept = 0;
    [[nodiscard]] virtual standing judge(const stamp& of, std::span<const tag> tags) const noexcept = 0;
};

}  // namespace shoal::coherence
