#pragma once
// What a client counts, and its error replies in the log: one a second at most.

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "common/metrics/metrics.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::log {
class logger;
}

namespace shoal::redis {

struct instruments {
    /// `instance` is a label of each of them, unless it is empty.
    instruments(metrics::registry& metrics, const std::string& instance);

    /// Counts a call's failure under its kind.
    void failed(errc kind) noexcept;

    metrics::counter& commands;
    metrics::counter& writes;
    metrics::counter& reconnects;
    metrics::gauge& connected;
    metrics::gauge& pending;
    metrics::histogram& seconds;
    metrics::counter& unavailable;
    metrics::counter& outcome_unknown;
    metrics::counter& error_reply;
    metrics::counter& deadline_exceeded;
};

/// Lets one event a second through and counts the rest.
class once_a_second {
public:
    /// When this event is let through, how many were not since the last one that was.
    [[nodiscard]] std::optional<std::uint64_t> admit(boot_time now) noexcept;

private:
    std::optional<boot_time> last_;
    std::uint64_t swallowed_ = 0;
};

class error_reply_log {
public:
    explicit error_reply_log(log::logger& log) : log_{log} {}
    void note(std::string_view text, boot_time now);

private:
    log::logger& log_;
    once_a_second limit_;
};

}  // namespace shoal::redis
