#pragma once
// Counters that a single thread increments for the price of an addition. prometheus-cpp makes the text
// at scrape time only; its own counters lock.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace shoal::metrics {

/// Label names and values, in the order in which they are shown.
using labels = std::vector<std::pair<std::string, std::string>>;

class counter {
public:
    void add(std::uint64_t by = 1) noexcept { value_ += by; }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0;
};

class gauge {
public:
    void set(double value) noexcept { value_ = value; }
    void add(double by) noexcept { value_ += by; }
    [[nodiscard]] double value() const noexcept { return value_; }

private:
    double value_ = 0;
};

/// Cumulative histogram with fixed upper bounds.
class histogram {
public:
    /// `bounds` ascend; a last bucket up to infinity is implied.
    explicit histogram(std::vector<double> bounds);
    void observe(double value) noexcept;

    [[nodiscard]] const std::vector<double>& bounds() const noexcept { return bounds_; }
    /// Observations per bucket, not cumulated; one more than there are bounds.
    [[nodiscard]] const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }
    [[nodiscard]] double sum() const noexcept { return sum_; }

private:
    std::vector<double> bounds_;
    std::vector<std::uint64_t> counts_;
    double sum_ = 0;
};

/// Upper bounds in seconds from 50 µs to 5 s, for latencies.
[[nodiscard]] std::vector<double> latency_bounds();

/// Owns every metric of a worker; references stay valid for its life. Asking again for the same name and
/// labels gives the same metric; the same name with another kind throws std::logic_error.
class registry {
public:
    registry();
    ~registry();
    registry(const registry&) = delete;
    registry& operator=(const registry&) = delete;

    [[nodiscard]] counter& add_counter(const std::string& name, std::string help, labels with = {});
    [[nodiscard]] gauge& add_gauge(const std::string& name, std::string help, labels with = {});
    [[nodiscard]] histogram& add_histogram(const std::string& name, std::string help, std::vector<double> bounds,
                                           labels with = {});
    /// A gauge that is computed when it is scraped. The function outlives the registry's last render().
    void add_gauge(const std::string& name, std::string help, labels with, std::function<double()> read);

    /// The Prometheus text format, version 0.0.4.
    [[nodiscard]] std::string render() const;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::metrics
