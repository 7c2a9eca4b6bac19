#pragma once
// The time of a run: nanoseconds since its beginning, on a clock that never steps.

#include <chrono>

namespace shoal::load {

class run_clock {
public:
    /// Begins so much later: until then the time is negative.
    explicit run_clock(std::chrono::nanoseconds lead) : start_{std::chrono::steady_clock::now() + lead} {}

    [[nodiscard]] std::chrono::nanoseconds now() const noexcept { return std::chrono::steady_clock::now() - start_; }
    [[nodiscard]] std::chrono::steady_clock::time_point at(std::chrono::nanoseconds offset) const noexcept
    {
        return start_ + offset;
    }

private:
    std::chrono::steady_clock::time_point start_;
};

}  // namespace shoal::load
