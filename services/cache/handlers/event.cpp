#include "services/cache/handlers/event.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shoal::cache {

boost::asio::awaitable<void> event::wait()
{
    (void)co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

}  // namespace shoal::cache
