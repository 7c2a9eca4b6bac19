#include "common/runtime/beside.hpp"

#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shoal::runtime {

namespace asio = boost::asio;

asio::awaitable<void> beside(asio::awaitable<void> task, asio::awaitable<void> helper)
{
    const auto executor = co_await asio::this_coro::executor;
    asio::cancellation_signal stop;
    asio::steady_timer ended{executor, asio::steady_timer::time_point::max()};
    bool over = false;
    asio::co_spawn(executor, std::move(helper),
                   asio::bind_cancellation_slot(stop.slot(), [&over, &ended](const std::exception_ptr&) {
                       over = true;
                       ended.cancel();
                   }));
    std::exception_ptr failure;
    try {
        co_await std::move(task);
    } catch (...) {
        failure = std::current_exception();
    }
    stop.emit(asio::cancellation_type::all);
    while (!over) co_await ended.async_wait(asio::as_tuple(asio::use_awaitable));
    if (failure) std::rethrow_exception(failure);
}

}  // namespace shoal::runtime
