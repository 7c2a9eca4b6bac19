#pragma once
// Everything that is counted of a run, in an amount of memory that depends on its limits and not on its requests.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/load/domain/fate.hpp"
#include "tests/load/domain/histogram.hpp"
#include "tests/load/domain/schedule.hpp"

namespace shoal::load {

/// Times are since the run's beginning.
struct outcome {
    std::uint64_t number = 0;
    std::size_t step = 0;
    std::uint32_t key = 0;
    fate how = fate::ok;
    /// 0 where no answer came.
    unsigned status = 0;
    /// Index as given by worker_index().
    std::uint16_t worker = 0;
    std::chrono::nanoseconds intended{};
    /// Negative when it never was.
    std::chrono::nanoseconds sent{-1};
    std::chrono::nanoseconds done{};
    /// What went wrong with the connection, in the system's words.
    std::string_view detail{};

    [[nodiscard]] std::chrono::nanoseconds latency() const noexcept { return done - intended; }
};

using fate_counts = std::array<std::uint64_t, fates>;

/// Requests of one kind.
struct group {
    explicit group(unsigned precision) : latency{precision} {}
    void add(const outcome& one) noexcept;
    [[nodiscard]] std::uint64_t requests() const noexcept;
    [[nodiscard]] std::uint64_t errors() const noexcept;
    [[nodiscard]] std::uint64_t answers() const noexcept;

    fate_counts by_fate{};
    histogram latency;
    /// When the last of them was answered or given up.
    std::chrono::nanoseconds last{};
};

struct step_tally : group {
    step_tally(load_step wanted_step, std::chrono::nanoseconds begin);

    load_step wanted;
    std::chrono::nanoseconds start;
    histogram late;
    /// Answers per second, over the time until the last of them came.
    [[nodiscard]] double reached() const noexcept;
};

/// Requests that should have been sent within one interval of time, and answers that came in it.
struct interval : group {
    interval();
    std::uint64_t answered_here = 0;
    std::uint64_t sent_here = 0;
};

class tally {
public:
    /// The timeline has about 240 intervals for a run of that length.
    explicit tally(std::chrono::nanoseconds expected_length);

    void add_step(load_step wanted, std::chrono::nanoseconds start);
    void add(const outcome& one);
    /// How much later than intended the generator itself came to an arrival.
    void add_lateness(std::size_t step, std::chrono::nanoseconds late) noexcept;
    void add_retry() noexcept { ++retried_; }
    void add_received(std::size_t bytes) noexcept { received_ += bytes; }

    /// 0 for an empty name. More than a thousand different names are all "others".
    [[nodiscard]] std::uint16_t worker_index(std::string_view name);
    [[nodiscard]] const std::vector<std::string>& workers() const noexcept { return workers_; }
    [[nodiscard]] const std::vector<std::uint64_t>& requests_by_worker() const noexcept { return by_worker_; }

    [[nodiscard]] const group& all() const noexcept { return all_; }
    /// 0 is for more different statuses than anybody wants to see.
    [[nodiscard]] const std::map<unsigned, group>& by_status() const noexcept { return by_status_; }
    [[nodiscard]] const std::vector<step_tally>& steps() const noexcept { return steps_; }
    [[nodiscard]] const std::vector<std::unique_ptr<interval>>& timeline() const noexcept { return timeline_; }
    [[nodiscard]] std::chrono::nanoseconds width() const noexcept { return width_; }
    [[nodiscard]] const histogram& lateness() const noexcept { return late_; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& details() const noexcept { return details_; }
    [[nodiscard]] std::uint64_t retried() const noexcept { return retried_; }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

private:
    interval& at(std::chrono::nanoseconds when);
    void add_detail(const outcome& one);

    std::chrono::nanoseconds width_;
    group all_;
    histogram late_;
    std::map<unsigned, group> by_status_;
    std::vector<step_tally> steps_;
    /// Null where nothing happened.
    std::vector<std::unique_ptr<interval>> timeline_;
    std::vector<std::string> workers_{""};
    std::vector<std::uint64_t> by_worker_{0};
    std::unordered_map<std::string, std::uint16_t> worker_index_;
    std::map<std::string, std::uint64_t> details_;
    std::uint64_t retried_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace shoal::load
