#include "common/http/session.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/http/core.hpp"

namespace shoal::http {

namespace asio = boost::asio;

bool session::admit()
{
    if (!admitted_ && core_->waiting) return admitted_ = core_->waiting->enter(received_);
    return true;
}

void session::release(boot_time now)
{
    if (!std::exchange(admitted_, false)) return;
    core_->waiting->leave(now, now - received_);
    core_->metrics.concurrency(core_->waiting->current());
}

response session::overloaded()
{
    core_->metrics.rejected("overload");
    auto answer = problem(503, "as many requests wait here as can be answered in time; try again in a second");
    answer.add("Retry-After", "1");
    return answer;
}

/// Of a server that is made slow: the request waits for its turn, and is then answered as by any other.
asio::awaitable<bool> session::answer_in_turn()
{
    if (!admit()) {
        finish_request(overloaded());
        co_return !cut_;
    }
    if (!all_sent() && !co_await write_rest()) co_return false;
    enter(phase::handling, received_);
    const auto now = boot_clock::now();
    core_->next_turn = std::max(core_->next_turn, now) + core_->options.bounds.service_time;
    asio::steady_timer turn{socket_.get_executor(), core_->next_turn - now};
    co_await turn.async_wait(asio::use_awaitable);
    if (cut_) co_return false;
    reader_.request().received = boot_clock::now();
    auto later = answer_at_once();
    if (!later) co_return !cut_;
    const bool goes_on = co_await std::move(*later);
    co_return goes_on;
}

}  // namespace shoal::http
