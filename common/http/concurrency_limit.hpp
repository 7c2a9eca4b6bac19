#pragma once
// How many requests may wait for their answers at once, found from how long they wait: the limit shrinks where all of
// them wait well longer than with less to do, and grows by its square root where they don't. The gradient is that of
// Netflix' concurrency-limits and Envoy's adaptive concurrency filter; that the fastest count is CoDel's (RFC 8289): a
// queue delays everybody. For requests that wait for one thing, as a worker's for Redis: where some wait for this and
// some for that, a wait may grow without a queue. No I/O, and no clock of its own.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/core/clock.hpp"

namespace shoal::http {

struct concurrency_bounds {
    /// What a dependency bears in any case, and bursts of it; refused only for some windows that ask how long the wait
    /// is without a queue.
    std::size_t least = 64;
    std::size_t most = 4096;
};

/// Of waits, the one that a tenth of them are below; within a quarter of it.
class fastest_tenth {
public:
    void add(std::chrono::nanoseconds wait) noexcept;
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    /// Of one at least.
    [[nodiscard]] std::chrono::microseconds value() const noexcept;

private:
    /// By microseconds, four to a doubling.
    std::array<std::uint32_t, 160> waits_{};
    std::uint32_t count_ = 0;
};

class concurrency_limit {
public:
    explicit concurrency_limit(concurrency_bounds within) noexcept;

    /// One more waits, until leave(); false when that would be more than may.
    [[nodiscard]] bool enter(boot_time now) noexcept;
    /// One that waited for so long has its answer.
    void leave(boot_time now, std::chrono::nanoseconds waited) noexcept;
    /// How long it waited tells nothing: nobody is left to be answered.
    void leave() noexcept { --waiting_; }

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    [[nodiscard]] std::size_t current() const noexcept { return limit_; }

private:
    using microseconds = std::chrono::microseconds;

    /// What was seen since the limit was last looked at.
    struct window {
        boot_time began;
        fastest_tenth waits;
        std::size_t peak = 0;
        bool refused = false;
    };

    void look(boot_time now) noexcept;
    void learn(boot_time now, microseconds wait) noexcept;
    void begin_probe() noexcept;

    concurrency_bounds within_;
    std::size_t limit_;
    std::size_t waiting_ = 0;
    /// When the last one left that tells something.
    boot_time left_;
    window seen_;
    /// The shortest wait of a window, in this period and in the one before it.
    microseconds recent_ = microseconds::max();
    microseconds before_ = microseconds::max();
    boot_time period_began_;
    /// The limit is low for a window, to learn what the wait is without a queue.
    bool probing_ = false;
    std::size_t limit_before_probe_ = 0;
};

}  // namespace shoal::http
