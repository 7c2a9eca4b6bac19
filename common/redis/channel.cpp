#include "common/redis/channel.hpp"

#include "common/log/log.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace shoal::redis {
namespace {

namespace asio = boost::asio;

/// Deadlines are kept to this precision: one timer event covers all that end within it.
constexpr std::chrono::milliseconds tick{2};

}  // namespace

channel::channel(asio::io_context& loop, const options& chosen, log::logger& log, instruments& metrics,
                 std::function<void()> changed)
    : loop_{loop},
      options_{chosen},
      log_{log},
      metrics_{metrics},
      changed_{std::move(changed)},
      error_replies_{log},
      completions_{loop},
      timer_{loop}
{
}

channel::~channel()
{
    close("no longer wanted");
}

void channel::open()
{
    failure_.clear();
    connection_events& events = *this;
    connection_ = std::make_unique<connection>(loop_, events, metrics_.writes);
    if (connection_->open(options_.where))
        state_ = state::opening;
    else
        failure_ = connection_->failure();
}

void channel::close(std::string_view why)
{
    if (connection_) connection_->close(why);
}

void channel::admit()
{
    admitted_ = true;
    metrics_.connected.set(1);
}

asio::awaitable<result<value>> channel::call(std::span<const std::string_view> arguments, boot_time deadline,
                                             purpose why)
{
#ifdef __clang_analyzer__
    // clang-tidy 14 takes the coroutine inside Asio for a plain function and sees a null pointer there.
    static_cast<void>(arguments), static_cast<void>(deadline), static_cast<void>(why);
    return {};
#else
    return asio::async_initiate<const asio::use_awaitable_t<>, void(result<value>)>(
        [this, arguments, deadline, why](waiter caller) { begin(std::move(caller), arguments, deadline, why); },
        asio::use_awaitable);
#endif
}

void channel::begin(waiter caller, std::span<const std::string_view> arguments, boot_time deadline, purpose why)
{
    const auto now = boot_clock::now();
    if (const auto refused = refusal(now, deadline, why)) return fail(std::move(caller), *refused);

    if (why != purpose::handshake) deadline = std::min(deadline, now + options_.command_timeout);
    pending& command = in_flight_.add(std::move(caller), now, deadline, why);
    if (!connection_->send(command, arguments)) {
        auto unsent = std::move(*command.caller);
        forget(command);
        return fail(std::move(unsent), errc::redis_unavailable);
    }
    metrics_.commands.add();
    metrics_.pending.set(static_cast<double>(in_flight_.size()));
    schedule(now);
}

std::optional<errc> channel::refusal(boot_time now, boot_time deadline, purpose why) const noexcept
{
    if (deadline <= now) return errc::deadline_exceeded;
    const bool usable = why == purpose::handshake ? state_ == state::open : available();
    if (!usable || in_flight_.size() >= options_.max_pending) return errc::redis_unavailable;
    return std::nullopt;
}

void channel::fail(waiter caller, errc why)
{
    metrics_.failed(why);
    completions_.add(std::move(caller), make_error_code(why));
}

void channel::forget(pending& command)
{
    in_flight_.remove(command);
    metrics_.pending.set(static_cast<double>(in_flight_.size()));
}

void channel::opened()
{
    state_ = state::open;
    changed_();
}

void channel::answered(pending& command, value& reply)
{
    const auto now = boot_clock::now();
    if (command.caller) {
        metrics_.seconds.observe(std::chrono::duration<double>(now - command.sent).count());
        completions_.add(std::move(*command.caller), outcome_of(command, reply, now));
    }
    forget(command);
    heard(now);
}

result<value> channel::outcome_of(const pending& command, value& reply, boot_time now)
{
    const auto* error = std::get_if<error_text>(&reply);
    if (error == nullptr || command.why == purpose::handshake) return std::move(reply);
    if (command.why == purpose::script && error->text.starts_with("NOSCRIPT")) return std::move(reply);
    metrics_.failed(errc::redis_error_reply);
    error_replies_.note(error->text, now);
    return make_error_code(errc::redis_error_reply);
}

void channel::lost(pending& command)
{
    if (command.caller) fail(std::move(*command.caller), errc::redis_outcome_unknown);
    forget(command);
}

void channel::closed()
{
    state_ = state::closed;
    admitted_ = false;
    silent_since_.reset();
    failure_ = connection_->failure();
    metrics_.connected.set(0);
    timer_.cancel();
    scheduled_ = boot_time::max();
    changed_();
}

void channel::expire(boot_time now)
{
    while (auto* command = in_flight_.next_expired(now)) {
        metrics_.seconds.observe(std::chrono::duration<double>(now - command->sent).count());
        fail(std::move(*command->caller), errc::redis_outcome_unknown);
        command->caller.reset();
    }
}

void channel::judge_silence(boot_time now)
{
    const auto oldest = in_flight_.oldest();
    if (!admitted_ || !oldest || now - *oldest < options_.command_timeout) return;
    if (!silent_since_) {
        silent_since_ = now;
        log_.warning("Redis does not answer: commands fail until it does", {{"unanswered", in_flight_.size()}});
    } else if (now - *silent_since_ >= options_.connect_timeout) {
        close("no answer");
    }
}

void channel::heard(boot_time now)
{
    if (!silent_since_) return;
    silent_since_ = now;
    const auto oldest = in_flight_.oldest();
    if (oldest && now - *oldest >= options_.command_timeout) return;
    silent_since_.reset();
    log_.info("Redis answers again");
}

boot_time channel::next_check() const
{
    auto next = in_flight_.earliest_deadline().value_or(boot_time::max());
    if (silent_since_) return std::min(next, *silent_since_ + options_.connect_timeout);
    if (const auto oldest = in_flight_.oldest(); oldest && admitted_)
        next = std::min(next, *oldest + options_.command_timeout);
    return next;
}

void channel::schedule(boot_time now)
{
    auto next = next_check();
    if (next == boot_time::max()) return;
    next = std::max(next, checked_ + tick);
    if (next >= scheduled_) return;
    scheduled_ = next;
    timer_.expires_after(next - now);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) check();
    });
}

void channel::check()
{
    const auto now = boot_clock::now();
    scheduled_ = boot_time::max();
    checked_ = now;
    expire(now);
    judge_silence(now);
    schedule(now);
}

}  // namespace shoal::redis
