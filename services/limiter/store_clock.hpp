#pragma once
// Redis' clock as this worker knows it, from the times that its scripts reply.

#include <chrono>
#include <cstdint>

#include "common/core/clock.hpp"

namespace shoal::limiter {

[[nodiscard]] std::int64_t microseconds(boot_time at) noexcept;

/// One for all scripts of one Redis.
class server_clock {
public:
    /// `timeout` bounds a script, in Redis' time as well.
    explicit server_clock(std::chrono::milliseconds timeout) : timeout_{timeout} {}

    /// A reply of now said that it was made at `server_us`. A reply arrives after it was made, so what is
    /// estimated is never ahead of the true time.
    void heard(std::int64_t server_us) noexcept;
    /// Redis' time at `at`, in microseconds; the worker's own clock until the first reply.
    [[nodiscard]] std::int64_t at(boot_time at) const noexcept;
    /// A script that runs later than this takes nothing.
    [[nodiscard]] std::int64_t not_after(boot_time deadline) const noexcept;

private:
    std::chrono::milliseconds timeout_;
    std::int64_t offset_us_ = 0;
    bool known_ = false;
};

}  // namespace shoal::limiter
