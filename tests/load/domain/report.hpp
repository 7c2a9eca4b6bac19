#pragma once
// What a run was and what came of it: as JSON for machines, as a table for people.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/load/domain/checks.hpp"
#include "tests/load/domain/options.hpp"
#include "tests/load/domain/tally.hpp"

namespace shoal::load {

struct process_usage {
    watched_process process;
    std::chrono::nanoseconds used{};
    /// It ended during the run: what it used before is known.
    bool ended = false;
    /// Used until the end of each interval of the timeline.
    std::vector<std::chrono::nanoseconds> samples;
};

struct knee_result {
    std::optional<arrival_rate> found;
    bool reached_most = false;
    /// Of each trial, in the order of the tally's steps.
    std::vector<bool> met;
};

struct report {
    const options& asked;
    const load::tally& tally;
    const load::checks& checks;
    std::uint32_t keys = 0;
    std::uint64_t skipped_lines = 0;
    /// Seconds since 1970.
    double started = 0;
    /// From the beginning to the last answer, at least the time of the schedule.
    std::chrono::nanoseconds took{};
    std::string target{};
    bool interrupted = false;
    std::optional<knee_result> knee{};
    std::vector<process_usage> processes{};
    std::chrono::nanoseconds own_cpu{};
    std::uint64_t connections_opened = 0;
    std::size_t connections_most = 0;
};

/// The generator came to its arrivals so late that the figures say more of it than of the server.
[[nodiscard]] bool generator_was_late(const report& of) noexcept;

[[nodiscard]] std::string to_json(const report& of);
/// Lines for a terminal.
[[nodiscard]] std::string to_table(const report& of);

}  // namespace shoal::load
