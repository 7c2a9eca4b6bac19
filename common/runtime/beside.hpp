#pragma once
// Two coroutines at once, one of which is the other's helper.

#include <boost/asio/awaitable.hpp>

namespace shoal::runtime {

/// Awaits `task` while `helper` runs beside it on the same executor. When `task` has ended, `helper` is cancelled where
/// it waits; when this returns, or throws what `task` threw, both have ended. What `helper` throws is dropped.
[[nodiscard]] boost::asio::awaitable<void> beside(boost::asio::awaitable<void> task,
                                                  boost::asio::awaitable<void> helper);

}  // namespace shoal::runtime
