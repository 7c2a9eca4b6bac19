#pragma once
// What coroutines of one loop wait for: that something changed.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/clock.hpp"

namespace shoal::cache {

class event {
public:
    explicit event(const boost::asio::any_io_executor& on) : timer_{on, boost::asio::steady_timer::time_point::max()} {}

    /// Returns after the next notify(). Whoever waits looks at the state anew: it may have changed more than once.
    [[nodiscard]] boost::asio::awaitable<void> wait();
    void notify() { timer_.cancel(); }
    [[nodiscard]] boost::asio::any_io_executor executor() { return timer_.get_executor(); }

private:
    boost::asio::steady_timer timer_;
};

}  // namespace shoal::cache
