#pragma once
// The two clocks of a worker. Leases and deadlines run on boot_clock, which goes on while the machine
// sleeps and never steps; wall_clock is for what leaves the process (logs, Date).

#include <chrono>

namespace shoal {

/// CLOCK_BOOTTIME, in nanoseconds. A Clock as in [time.clock.req].
struct boot_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<boot_clock>;
    static constexpr bool is_steady = true;

    [[nodiscard]] static time_point now() noexcept;
};

using boot_time = boot_clock::time_point;
using wall_clock = std::chrono::system_clock;

}  // namespace shoal
