#pragma once
// A coroutine that waits in a list until somebody wakes it, or its deadline passes.

#include <algorithm>
#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/intrusive/list.hpp>

#include "common/core/clock.hpp"

namespace shoal::cache::origin {

/// A local variable of the coroutine; leaves the list when it is destroyed.
class waiter : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    explicit waiter(boost::asio::io_context& loop) : timer_{loop} {}

    /// After it was put into a list.
    [[nodiscard]] boost::asio::awaitable<void> wait(boot_time deadline)
    {
        constexpr boot_time::duration longest = std::chrono::hours{1};
        const auto left = deadline - boot_clock::now();
        timer_.expires_after(std::clamp(left, boot_time::duration::zero(), longest));
        co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        unlink();
    }
    /// Takes it off its list; its coroutine goes on at the loop's next turn.
    void wake()
    {
        unlink();
        timer_.cancel();
    }

private:
    boost::asio::steady_timer timer_;
};

}  // namespace shoal::cache::origin
