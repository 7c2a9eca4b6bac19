#pragma once
// The command side of a client: starts commands on the current connection, holds them to their deadlines, tells
// their outcomes, and notices a server that has stopped answering.

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "common/redis/completions.hpp"
#include "common/redis/connection.hpp"
#include "common/redis/in_flight.hpp"
#include "common/redis/instruments.hpp"
#include "common/redis/options.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shoal::redis {

class channel final : private connection_events {
public:
    enum class state : std::uint8_t { closed, opening, open };

    /// `changed` is called when the connection has opened or closed; it must only post. The references live
    /// longer than the channel.
    channel(boost::asio::io_context& loop, const options& chosen, log::logger& log, instruments& metrics,
            std::function<void()> changed);
    /// Closes. Not before the loop has run what was posted.
    ~channel();

    /// Begins a new connection; the one before must be closed.
    void open();
    /// Fails what is pending with redis_outcome_unknown.
    void close(std::string_view why);
    /// Lets commands in, until the connection closes; before this only the handshake's are sent.
    void admit();

    [[nodiscard]] state now() const noexcept { return state_; }
    /// Why the last connection closed.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
    [[nodiscard]] bool available() const noexcept { return admitted_ && !silent_since_; }

    /// The views live until the awaited call returns; `deadline` is the caller's own.
    [[nodiscard]] boost::asio::awaitable<result<value>> call(std::span<const std::string_view> arguments,
                                                             boot_time deadline, purpose why);

private:
    void opened() override;
    void answered(pending& command, value& reply) override;
    void lost(pending& command) override;
    void closed() override;

    void begin(waiter caller, std::span<const std::string_view> arguments, boot_time deadline, purpose why);
    [[nodiscard]] std::optional<errc> refusal(boot_time now, boot_time deadline, purpose why) const noexcept;
    [[nodiscard]] result<value> outcome_of(const pending& command, value& reply, boot_time now);
    void fail(waiter caller, errc why);
    void forget(pending& command);

    void expire(boot_time now);
    void judge_silence(boot_time now);
    void heard(boot_time now);
    void schedule(boot_time now);
    [[nodiscard]] boot_time next_check() const;
    void check();

    boost::asio::io_context& loop_;
    const options& options_;
    log::logger& log_;
    instruments& metrics_;
    std::function<void()> changed_;
    error_reply_log error_replies_;

    completions completions_;
    in_flight in_flight_;
    std::unique_ptr<connection> connection_;
    state state_ = state::closed;
    bool admitted_ = false;
    std::string failure_;

    // Set while a command has waited longer than command_timeout: when that was found, or the last answer since.
    std::optional<boot_time> silent_since_;
    boost::asio::steady_timer timer_;
    boot_time scheduled_ = boot_time::max();
    boot_time checked_ = boot_time::min();
};

}  // namespace shoal::redis
