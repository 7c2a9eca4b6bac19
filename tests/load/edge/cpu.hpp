#pragma once
// CPU time of the processes that serve, as the kernel's scheduler counts it (/proc/PID/task/*/schedstat).

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "tests/load/domain/options.hpp"

namespace shoal::load {

/// Of all threads of a process; nothing when it is not there.
[[nodiscard]] std::optional<std::chrono::nanoseconds> cpu_time(pid_t pid);

/// Processes by the times that they and those that they forked have used since the beginning: HAProxy's work is done by
/// a child, and by another after a reload. What ends keeps what it had when it was last looked at.
class cpu_watch {
public:
    /// Throws bad_input when one is not there.
    explicit cpu_watch(std::vector<watched_process> processes);

    struct usage {
        watched_process process;
        std::chrono::nanoseconds used{};
        /// The process itself, not one that it forked.
        bool ended = false;
        /// Used until each sample.
        std::vector<std::chrono::nanoseconds> samples;
    };

    void update();
    /// Updates, and remembers the time under that number.
    void sample(std::size_t number);
    [[nodiscard]] const std::vector<usage>& all() const noexcept { return all_; }

private:
    /// By process: when it was first seen, and last.
    struct span {
        std::chrono::nanoseconds begin{};
        std::chrono::nanoseconds now{};
    };
    void look(std::size_t at, pid_t pid, bool first);

    std::vector<usage> all_;
    std::vector<std::map<pid_t, span>> spans_;
};

}  // namespace shoal::load
