#pragma once
// When requests should be sent: known before the first one, and whatever the server does.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace shoal::load {

/// Thousandths of a request per second, so that every rate that can be asked for is exact.
struct arrival_rate {
    std::uint64_t milli = 0;

    [[nodiscard]] double per_second() const noexcept { return static_cast<double>(milli) / 1000; }
    friend bool operator==(const arrival_rate&, const arrival_rate&) = default;
};

/// One rate for some time.
struct load_step {
    arrival_rate rate;
    std::chrono::nanoseconds length{};

    friend bool operator==(const load_step&, const load_step&) = default;
};

struct due {
    std::size_t step = 0;
    /// Since the beginning of the run.
    std::chrono::nanoseconds at{};
};

/// Arrival i of a step that begins at s is at s + i/rate, computed from i: no error adds up. A step has every arrival
/// that is earlier than its end.
class schedule {
public:
    /// No rate is 0. The first step begins at `start`; steps are numbered from `first_step`.
    schedule(std::vector<load_step> steps, std::chrono::nanoseconds start, std::size_t first_step = 0);

    /// The next arrival, or nothing after the last.
    [[nodiscard]] std::optional<due> peek() const noexcept;
    void advance() noexcept;

    [[nodiscard]] std::chrono::nanoseconds end() const noexcept;
    [[nodiscard]] std::uint64_t total() const noexcept;

private:
    std::vector<load_step> steps_;
    std::chrono::nanoseconds start_;
    std::chrono::nanoseconds step_start_;
    std::size_t first_step_;
    std::size_t step_ = 0;
    std::uint64_t in_step_ = 0;
    std::uint64_t of_step_;
};

/// Arrivals of a step.
[[nodiscard]] std::uint64_t arrivals(const load_step& step) noexcept;

/// i/rate, rounded down to the nanosecond. For i below 10^15.
[[nodiscard]] std::chrono::nanoseconds offset(std::uint64_t i, arrival_rate rate) noexcept;

}  // namespace shoal::load
