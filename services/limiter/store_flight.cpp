#include "services/limiter/store_flight.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shoal::limiter {

waiter::waiter(const boost::asio::any_io_executor& executor, const rule& under, std::int64_t wanted, boot_time at_most)
    : by{under}, cost{wanted}, deadline{at_most}, timer_{executor}
{
}

boost::asio::awaitable<void> waiter::wait(flight& in)
{
    in.waiting.push_back(*this);
    if (deadline == boot_time::max())
        timer_.expires_at(boost::asio::steady_timer::time_point::max());
    else
        timer_.expires_after(deadline - boot_clock::now());
    boost::system::error_code cancelled;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    unlink();
}

void waiter::end(fate how)
{
    ended = how;
    timer_.cancel();
}

std::int64_t flight::count_crowd() noexcept
{
    std::int64_t cells = 0;
    for (waiter& one : waiting) {
        cells += one.cost;
        one.counted = true;
    }
    return cells;
}

}  // namespace shoal::limiter
