#pragma once
// Which servers of an origin are worth asking: what requests experience decides. Pure; time is an argument.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include "common/core/clock.hpp"

namespace shoal::cache::origin {

struct health_limits {
    /// That many in a row, and the server is out.
    unsigned failures = 3;
    /// For so long at first; doubled with each request that finds it still failing.
    std::chrono::nanoseconds least_pause = std::chrono::seconds{1};
    std::chrono::nanoseconds most_pause = std::chrono::seconds{30};
    /// Checks bring it back, and no request does.
    bool checked = false;
};

/// Of one server: in use, or out until a pause is over and one request has found it answering.
class health {
public:
    explicit health(const health_limits& bounds = {}) noexcept : bounds_{bounds}, pause_{bounds.least_pause} {}

    [[nodiscard]] bool healthy() const noexcept { return !out_; }
    /// Out, and its pause is over: the next request may try it.
    [[nodiscard]] bool due(boot_time now) const noexcept { return out_ && !bounds_.checked && now >= until_; }
    /// That request is on its way. No other is due before the next pause, which is twice as long, is over: so nothing
    /// hangs on its fate.
    void begin_probe(boot_time now) noexcept;

    /// The head of an answer came: a server that was out is in use again.
    void answered() noexcept;
    /// An answer came to its end.
    void succeeded() noexcept;
    /// A check found it well.
    void passed() noexcept;
    /// It could not be reached, took too long, broke off, or did not pass a check.
    void failed(boot_time now) noexcept;
    [[nodiscard]] boot_time last_failure() const noexcept { return last_failure_; }

private:
    health_limits bounds_;
    bool out_ = false;
    unsigned failures_ = 0;
    std::chrono::nanoseconds pause_;
    boot_time until_{};
    boot_time last_failure_{boot_time::min()};
};

/// A server as choose() sees it.
struct candidate {
    const health* state;
    /// All its connections are taken.
    bool full = false;
    /// This request has failed there.
    bool tried = false;
};

/// The server for a request: one that is due for a probe, else the next healthy one from `rotation` on, with a free
/// connection if there is one, else the one whose last failure is the longest ago. Nothing when all were tried.
[[nodiscard]] std::optional<std::size_t> choose(std::span<const candidate> servers, std::size_t rotation,
                                                boot_time now) noexcept;

}  // namespace shoal::cache::origin
