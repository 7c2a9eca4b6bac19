#pragma once
// Redis for the coroutines of one worker: one connection on the worker's loop, everything that one turn of
// the loop asks for in one write, and two kinds of failure told apart (only what is idempotent may be
// retried after redis_outcome_unknown).

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "common/redis/options.hpp"
#include "common/redis/script.hpp"
#include "common/redis/value.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace shoal::log {
class logger;
}
namespace shoal::metrics {
class registry;
}
namespace shoal::runtime {
class task_group;
}

namespace shoal::redis {

/// What a reconnection found out about the server's data.
enum class data_event : std::uint8_t {
    /// Another run of the server with the same epoch key: its last writes may be gone.
    restarted,
    /// The epoch key is gone or another: everything may be gone.
    lost,
};

/// Not thread safe. Destroy it only after stop() and after the loop has run to its end.
class client {
public:
    /// The references live longer than the client.
    client(boost::asio::io_context& loop, options chosen, runtime::task_group& tasks, log::logger& log,
           metrics::registry& metrics);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// Begins to connect, and reconnects with back-off and jitter until stop().
    void start();
    /// Fails what is pending with redis_outcome_unknown, what comes later with redis_unavailable.
    void stop();

    /// Connected, identified, and not waiting past a deadline: a command would be sent now.
    [[nodiscard]] bool available() const noexcept;

    /// Called on the loop, before any command is sent on the new connection.
    void on_data_event(std::function<void(data_event)> listener);

    /// Sends one command. An error reply of the server is redis_error_reply (its text is logged).
    /// While commands go unanswered past their deadlines, new ones fail at once with redis_unavailable
    /// until the server answers again. `deadline` is the earlier of the caller's own and now + command_timeout.
    /// The views live until the awaited call returns. Throws std::invalid_argument for a subscription or MONITOR:
    /// these need a connection of their own.
    [[nodiscard]] boost::asio::awaitable<result<value>> command(std::span<const std::string_view> arguments,
                                                                boot_time deadline = boot_time::max());

    /// EVALSHA, and once EVAL when the server does not have the script (NOSCRIPT means that it did not run).
    [[nodiscard]] boost::asio::awaitable<result<value>> eval(const script& code, std::span<const std::string_view> keys,
                                                             std::span<const std::string_view> arguments,
                                                             boot_time deadline = boot_time::max());

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::redis
