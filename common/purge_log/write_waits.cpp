#include "common/purge_log/write_waits.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shoal::coherence {
namespace {

namespace asio = boost::asio;

/// Asked for together, a hundred times a second.
constexpr std::size_t most_unknown = 1'000;

}  // namespace

struct write_waits::waiter {
    waiter(boost::asio::io_context& loop, effect what, write_token of) : wanted{what}, token{std::move(of)}, woken{loop}
    {
    }

    effect wanted;
    write_token token;
    asio::steady_timer woken;
};

bool write_waits::is_reached(effect wanted, const write_token& token) const noexcept
{
    const auto at = wanted == effect::purges ? log_.purged() : log_.viewed();
    return token.at != 0 && at >= token.at;
}

asio::awaitable<bool> write_waits::reach(effect wanted, write_token token, boot_time until)
{
    waiter own{loop_, wanted, std::move(token)};
    if (own.token.at == 0 && unknown_.size() >= most_unknown) co_return false;
    if (own.token.at == 0) ++unknown_[own.token.name];
    waiting_.push_back(&own);
    bool reached = is_reached(wanted, own.token);
    while (!reached && log_.current(boot_clock::now()) && boot_clock::now() < until) {
        wanted_();
        own.woken.expires_after(until - boot_clock::now());
        boost::system::error_code cancelled;
        co_await own.woken.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        reached = is_reached(wanted, own.token);
    }
    std::erase(waiting_, &own);
    if (own.token.at == 0)
        if (const auto of = unknown_.find(own.token.name); of != unknown_.end() && --of->second == 0)
            unknown_.erase(of);
    co_return reached;
}

std::vector<std::string> write_waits::unknown() const
{
    std::vector<std::string> names;
    names.reserve(unknown_.size());
    for (const auto& [name, waiters] : unknown_) names.push_back(name);
    return names;
}

void write_waits::found(std::string_view name, lsn end)
{
    for (auto* const each : waiting_)
        if (each->token.at == 0 && each->token.name == name) each->token.at = end;
    if (const auto of = unknown_.find(name); of != unknown_.end()) unknown_.erase(of);
}

void write_waits::look()
{
    const auto now = boot_clock::now();
    for (auto* const each : waiting_)
        if (!log_.current(now) || is_reached(each->wanted, each->token)) each->woken.cancel();
}

}  // namespace shoal::coherence
