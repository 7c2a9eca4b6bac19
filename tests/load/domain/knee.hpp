#pragma once
// Finds the highest rate that meets a target: doubling, then halving the interval.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/load/domain/tally.hpp"

namespace shoal::load {

/// What an operator promises: "p99=5ms", and the share of requests that may fail.
struct objective {
    double quantile = 0.99;
    std::chrono::nanoseconds latency = std::chrono::milliseconds{10};
    double errors = 0.001;
};

/// "p99=5ms", "p999=1s", or with "errors=1%", in any order. Throws bad_input.
[[nodiscard]] objective parse_objective(std::string_view text);
[[nodiscard]] std::string describe(const objective& wanted);

[[nodiscard]] bool meets(const group& seen, const objective& wanted) noexcept;

/// A rate that did not do is tried once more before that is believed, and the one that bounds the result a last time at
/// the end, when its hour may be better: hiccups of a shared machine are no knee.
class knee_search {
public:
    knee_search(arrival_rate first, arrival_rate most);

    /// The next rate to try, or nothing when it is found.
    [[nodiscard]] std::optional<arrival_rate> next() const noexcept;
    /// What became of the rate that next() said.
    void record(bool met) noexcept;

    /// The highest rate that did; nothing when none was.
    [[nodiscard]] std::optional<arrival_rate> found() const noexcept;
    /// The highest rate that may be tried did: there may be more.
    [[nodiscard]] bool reached_most() const noexcept { return best_ == most_; }

private:
    [[nodiscard]] bool narrow() const noexcept;
    void choose_next() noexcept;

    std::uint64_t most_;
    /// In thousandths; 0 while unknown.
    std::uint64_t best_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t trying_;
    bool again_ = false;
    /// The bound was tried for the last time.
    bool sure_ = false;
    unsigned trials_ = 0;
};

}  // namespace shoal::load
