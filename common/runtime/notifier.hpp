#pragma once
// What a service manager is told of this process, as sd_notify(3) has it. Nothing when it did not ask.

#include <chrono>
#include <string>
#include <string_view>

#include <boost/asio/local/datagram_protocol.hpp>

#include "common/core/clock.hpp"

namespace shoal::runtime {

/// A manager that is busy is never waited for: what it does not take at once is sent again with the next turn.
class notifier {
public:
    struct settings {
        /// NOTIFY_SOCKET: a path, or "@" and a name without a file. Empty: nobody asked.
        std::string socket;
        /// WATCHDOG_USEC: the manager ends a process that it has not heard of for that long. Zero: it does not look.
        std::chrono::microseconds patience{0};
    };

    /// Of the environment. WATCHDOG_USEC counts only when WATCHDOG_PID names this process or nobody.
    [[nodiscard]] static settings from_environment();

    /// Throws std::system_error when no socket can be made.
    explicit notifier(const settings& asked);
    ~notifier();
    notifier(const notifier&) = delete;
    notifier& operator=(const notifier&) = delete;

    void ready() noexcept;
    void stopping() noexcept;
    /// The loop has turned. Twice within the manager's patience it is told so.
    void turned(boot_time now) noexcept;

private:
    void say(std::string_view state) noexcept;
    [[nodiscard]] bool send(std::string_view text) const noexcept;

    boost::asio::local::datagram_protocol::endpoint manager_;
    std::chrono::microseconds patience_;
    int descriptor_ = -1;
    /// Always a literal; empty when the manager knows it.
    std::string_view unsent_;
    boot_time next_{};
};

}  // namespace shoal::runtime
