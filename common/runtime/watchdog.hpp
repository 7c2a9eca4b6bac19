#pragma once
// Ends the process when its loop no longer turns, so that its supervisor starts it anew.

#include <chrono>

namespace shoal::runtime {

/// One per process. Uses SIGALRM and ITIMER_REAL. Time during which the whole process was stopped (SIGSTOP, a
/// debugger) does not count: the kernel then delivers one tick, not many.
class watchdog {
public:
    /// Aborts with a line on stderr when turned() was not called for `limit`, rounded up to a tick of limit / 5.
    explicit watchdog(std::chrono::milliseconds limit);
    ~watchdog();
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;

    /// The loop has turned.
    void turned() noexcept;
};

}  // namespace shoal::runtime
