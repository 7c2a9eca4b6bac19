#pragma once
// How long a worker's knowledge of the purge log counts, and how long a purge waits for one that says nothing.

#include <chrono>

#include "common/core/clock.hpp"

namespace shoal::coherence {

/// The same in every worker of a fleet.
struct lease_terms {
    std::chrono::nanoseconds lasts = std::chrono::seconds{1};
    /// On either side: for clocks that do not run equally fast.
    std::chrono::nanoseconds margin = std::chrono::milliseconds{20};

    /// Of a lease whose renewal was sent at `sent`.
    [[nodiscard]] boot_time expiry(boot_time sent) const noexcept { return sent + lasts - margin; }
    /// When every lease has run out that was granted before something which was heard of at `heard`.
    [[nodiscard]] boot_time fenced(boot_time heard) const noexcept { return heard + lasts + margin; }
};

}  // namespace shoal::coherence
