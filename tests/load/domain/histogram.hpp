#pragma once
// Latencies in a fixed amount of memory, with a bounded relative error: buckets as in HdrHistogram (Tene), each power
// of two cut into 2^precision equal parts.

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace shoal::load {

/// A quantile is never below the true one and above it by at most a 2^-precision part of it; 8 is 0.4% and 72 KiB. What
/// is longer than 73 minutes counts as that long; the largest value is exact.
class histogram {
public:
    explicit histogram(unsigned precision);

    void add(std::chrono::nanoseconds value) noexcept;
    /// Of the same precision.
    void merge(const histogram& other) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// The least value of which at least that share of all is not above it; 0 when there is none. q is 0 to 1.
    [[nodiscard]] std::chrono::nanoseconds quantile(double q) const noexcept;
    [[nodiscard]] std::chrono::nanoseconds largest() const noexcept { return largest_; }
    [[nodiscard]] std::chrono::nanoseconds mean() const noexcept;
    [[nodiscard]] double relative_error() const noexcept;

    /// Calls with each bucket that has any: its least value, the first above it, how many.
    using visitor =
        std::function<void(std::chrono::nanoseconds from, std::chrono::nanoseconds to, std::uint64_t count)>;
    void visit(const visitor& see) const;

private:
    [[nodiscard]] std::size_t index(std::uint64_t value) const noexcept;
    [[nodiscard]] std::uint64_t lower(std::size_t index) const noexcept;

    unsigned precision_;
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    long double sum_ = 0;
    std::chrono::nanoseconds largest_{};
};

}  // namespace shoal::load
