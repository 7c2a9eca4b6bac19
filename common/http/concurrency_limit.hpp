#pragma once
// How many requests may wait for their answers at once, found from how long they wait: the limit shrinks where the wait
// grows well beyond what it was with less to do, and grows by its square root where it does not. The gradient is that
// of Netflix' concurrency-limits and Envoy's adaptive concurrency filter; no I/O, and no clock of its own.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/core/clock.hpp"

namespace shoal::http {

struct concurrency_bounds {
    /// Never refused: what a dependency bears in any case, and bursts of it.
    std::size_t least = 64;
    std::size_t most = 4096;
};

class concurrency_limit {
public:
    explicit concurrency_limit(concurrency_bounds within) noexcept;

    /// One more waits, until leave(); false when that would be more than may.
    [[nodiscard]] bool enter() noexcept;
    /// One that waited for so long has its answer.
    void leave(boot_time now, std::chrono::nanoseconds waited) noexcept;
    /// How long it waited tells nothing: nobody is left to be answered.
    void leave() noexcept { --waiting_; }

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    [[nodiscard]] std::size_t current() const noexcept { return limit_; }

private:
    using nanoseconds = std::chrono::nanoseconds;

    /// What was seen since the limit was last looked at.
    struct window {
        boot_time began;
        nanoseconds sum{};
        std::int64_t count = 0;
        std::size_t peak = 0;
    };

    void look(boot_time now) noexcept;
    void learn(boot_time now, nanoseconds mean) noexcept;
    void begin_probe() noexcept;
    [[nodiscard]] nanoseconds baseline() const noexcept { return std::min(before_, recent_); }

    concurrency_bounds within_;
    std::size_t limit_;
    std::size_t waiting_ = 0;
    window seen_;
    /// The least mean of a window, in this period and in the one before it.
    nanoseconds recent_ = nanoseconds::max();
    nanoseconds before_ = nanoseconds::max();
    boot_time period_began_;
    bool refused_ = false;
    /// The limit is low for a window, to learn what the wait is without a queue.
    bool probing_ = false;
    std::size_t limit_before_probe_ = 0;
};

}  // namespace shoal::http
