#pragma once
// How often requests to something that fails may be repeated: so that repeating never is what keeps it from recovering.

#include "common/core/clock.hpp"

namespace shoal {

struct retry_limits {
    /// Of a retry, that each request adds.
    double part = 0.1;
    double per_second = 1;
    /// That can be saved up, and are there at first.
    double most = 20;
};

/// A token bucket: each request adds a part of a retry, and each second a little, so that a rare request has one, too.
/// Over N requests and t seconds at most `most + part * N + per_second * t` retries are granted. Pure.
class retry_budget {
public:
    explicit retry_budget(boot_time now, const retry_limits& bounds = {}) noexcept
        : bounds_{bounds}, has_{bounds.most}, at_{now}
    {
    }

    /// A request is sent for the first time.
    void earn() noexcept { add(bounds_.part); }
    /// Whether one may be sent once more; that it is, is counted.
    [[nodiscard]] bool spend(boot_time now) noexcept;

private:
    void add(double what) noexcept;

    retry_limits bounds_;
    double has_;
    boot_time at_;
};

}  // namespace shoal
