#include "common/redis/client.hpp"

#include "common/log/log.hpp"
#include "common/redis/backoff.hpp"
#include "common/redis/channel.hpp"
#include "common/redis/handshake.hpp"
#include "common/redis/instruments.hpp"
#include "common/runtime/task_group.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/container/small_vector.hpp>

#include <arpa/inet.h>
#include <strings.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace shoal::redis {
namespace {

namespace asio = boost::asio;

/// What hiredis would resolve by blocking, or cut short without a word, is refused at start-up.
options checked(options chosen)
{
    const auto& where = chosen.where;
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    const bool numeric = inet_pton(AF_INET, where.address.c_str(), ignored.data()) == 1 ||
                         inet_pton(AF_INET6, where.address.c_str(), ignored.data()) == 1;
    if (where.unix_path.size() >= sizeof(sockaddr_un::sun_path))
        throw std::invalid_argument("redis: the unix socket's path is too long: " + where.unix_path);
    if (where.unix_path.empty() && !numeric)
        throw std::invalid_argument("redis: neither a unix socket nor a numeric address: '" + where.address + "'");
    return chosen;
}

std::string shown(const endpoint& where)
{
    return where.unix_path.empty() ? where.address + ":" + std::to_string(where.port) : "unix:" + where.unix_path;
}

/// They turn the whole connection into another protocol.
bool takes_connection(std::string_view command) noexcept
{
    constexpr std::array<std::string_view, 5> names{"subscribe", "psubscribe", "unsubscribe", "punsubscribe",
                                                    "monitor"};
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        return name.size() == command.size() && strncasecmp(name.data(), command.data(), name.size()) == 0;
    });
}

bool is_noscript(const result<value>& reply) noexcept
{
    return reply && std::holds_alternative<error_text>(*reply);
}

}  // namespace

class client::impl {
public:
    impl(asio::io_context& loop, options chosen, runtime::task_group& tasks, log::logger& log,
         metrics::registry& metrics)
        : options_{checked(std::move(chosen))},
          tasks_{tasks},
          log_{log},
          instruments_{metrics, options_.name},
          where_{shown(options_.where)},
          wake_{loop},
          channel_{loop, options_, log, instruments_, [this] { wake_.cancel(); }},
          backoff_{options_.least_backoff, options_.most_backoff, std::random_device{}()}
    {
    }

    void start() { tasks_.spawn("redis", stay_connected()); }
    void stop();
    [[nodiscard]] bool available() const noexcept { return channel_.available(); }
    void listen(std::function<void(data_event)> listener) { listeners_.push_back(std::move(listener)); }

    [[nodiscard]] asio::awaitable<result<value>> command(std::span<const std::string_view> arguments,
                                                         boot_time deadline)
    {
        if (arguments.empty() || takes_connection(arguments.front()))
            throw std::invalid_argument("redis: subscriptions need a connection of their own");
        return channel_.call(arguments, deadline, purpose::command);
    }
    [[nodiscard]] asio::awaitable<result<value>> eval(const script& code, std::span<const std::string_view> keys,
                                                      std::span<const std::string_view> arguments, boot_time deadline);

private:
    asio::awaitable<void> stay_connected();
    asio::awaitable<std::string> connect();
    asio::awaitable<void> wait_until(boot_time limit);
    void identified(identity server);
    void report_unavailable(std::string_view event, const std::string& reason);

    const options options_;
    runtime::task_group& tasks_;
    log::logger& log_;
    instruments instruments_;
    const std::string where_;
    asio::steady_timer wake_;
    channel channel_;
    backoff backoff_;
    bool stopping_ = false;
    std::vector<std::function<void(data_event)>> listeners_;
    /// Of the last connection that was identified.
    std::optional<identity> server_;
    /// The last reason in the log: the same one is not logged for every attempt.
    std::string reported_;
};

void client::impl::stop()
{
    stopping_ = true;
    channel_.close("stopped");
    wake_.cancel();
}

/// Until `limit`, or until stop() or an opened or closed connection wakes it: the caller looks at what changed.
asio::awaitable<void> client::impl::wait_until(boot_time limit)
{
    if (limit == boot_time::max())
        wake_.expires_at(asio::steady_timer::time_point::max());
    else
        wake_.expires_after(limit - boot_clock::now());
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<void> client::impl::stay_connected()
{
    while (!stopping_) {
        const auto failure = co_await connect();
        if (failure.empty()) {
            while (channel_.now() != channel::state::closed) co_await wait_until(boot_time::max());
            if (!stopping_) report_unavailable("lost the connection to Redis", channel_.failure());
        } else if (!stopping_) {
            report_unavailable("Redis is not available", failure);
        }
        const auto retry = boot_clock::now() + backoff_.next();
        while (!stopping_ && boot_clock::now() < retry) co_await wait_until(retry);
    }
}

/// Empty when connected and identified, otherwise why not; there is no connection then.
asio::awaitable<std::string> client::impl::connect()
{
    const auto limit = boot_clock::now() + options_.connect_timeout;
    channel_.open();
    while (channel_.now() == channel::state::opening && boot_clock::now() < limit) co_await wait_until(limit);
    if (channel_.now() == channel::state::opening) channel_.close("connecting took too long");
    if (channel_.now() == channel::state::closed) co_return channel_.failure();

    const exchange_function exchange = [this, limit](std::span<const std::string_view> arguments) {
        return channel_.call(arguments, limit, purpose::handshake);
    };
    auto outcome = co_await shake_hands(options_.where, exchange);
    if (channel_.now() == channel::state::closed) co_return channel_.failure();
    if (!outcome.server) {
        channel_.close(outcome.failure);
        co_return outcome.failure;
    }
    identified(std::move(*outcome.server));
    co_return channel_.now() == channel::state::closed ? channel_.failure() : std::string{};
}

void client::impl::identified(identity server)
{
    log_.info("connected to Redis", {{"redis", where_}, {"run_id", server.run_id}, {"epoch", server.epoch}});
    const auto event = server_ ? compare(*server_, server) : std::nullopt;
    if (server_) instruments_.reconnects.add();
    server_ = std::move(server);
    reported_.clear();
    backoff_.reset();
    if (event) {
        log_.warning(*event == data_event::lost ? "Redis may have lost its data" : "Redis has restarted");
        for (const auto& listener : listeners_) listener(*event);
    }
    // A listener may have called stop().
    if (channel_.now() == channel::state::open) channel_.admit();
}

void client::impl::report_unavailable(std::string_view event, const std::string& reason)
{
    if (reason == reported_) return;
    reported_ = reason;
    log_.warning(event, {{"redis", where_}, {"reason", reason}});
}

asio::awaitable<result<value>> client::impl::eval(const script& code, std::span<const std::string_view> keys,
                                                  std::span<const std::string_view> arguments, boot_time deadline)
{
    std::array<char, 20> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), keys.size()).ptr;
    boost::container::small_vector<std::string_view, 16> command{"EVALSHA", code.sha1(), {digits.data(), end}};
    command.insert(command.end(), keys.begin(), keys.end());
    command.insert(command.end(), arguments.begin(), arguments.end());

    // One deadline for both attempts.
    deadline = std::min(deadline, boot_clock::now() + options_.command_timeout);
    auto reply = co_await channel_.call(command, deadline, purpose::script);
    if (!is_noscript(reply)) co_return reply;

    log_.debug("loading a script into Redis", {{"script", code.name()}});
    command[0] = "EVAL";
    command[1] = code.source();
    co_return co_await channel_.call(command, deadline, purpose::command);
}

client::client(asio::io_context& loop, options chosen, runtime::task_group& tasks, log::logger& log,
               metrics::registry& metrics)
    : impl_{std::make_unique<impl>(loop, std::move(chosen), tasks, log, metrics)}
{
}

client::~client() = default;

void client::start()
{
    impl_->start();
}
void client::stop()
{
    impl_->stop();
}
bool client::available() const noexcept
{
    return impl_->available();
}
void client::on_data_event(std::function<void(data_event)> listener)
{
    impl_->listen(std::move(listener));
}

asio::awaitable<result<value>> client::command(std::span<const std::string_view> arguments, boot_time deadline)
{
    return impl_->command(arguments, deadline);
}

asio::awaitable<result<value>> client::eval(const script& code, std::span<const std::string_view> keys,
                                            std::span<const std::string_view> arguments, boot_time deadline)
{
    return impl_->eval(code, keys, arguments, deadline);
}

}  // namespace shoal::redis
