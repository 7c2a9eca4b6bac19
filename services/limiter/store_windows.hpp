#pragma once
// Counters of calendar windows in Redis.

#include <cstdint>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/limiter/outcome.hpp"
#include "services/limiter/rule.hpp"
#include "services/limiter/store_clock.hpp"

namespace shoal::redis {
class client;
}

namespace shoal::limiter {

/// Redis' clock decides which window it is. Views live until the awaited call returns.
class window_store {
public:
    /// Both live longer.
    window_store(redis::client& state, server_clock& clock) : state_{state}, clock_{clock} {}

    /// `cost` 0 peeks. `in` becomes the window that was decided in. With an idempotency key a repeat within 5
    /// minutes gets the first outcome. Not repeated after redis_outcome_unknown without one.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> take(const rule& by, std::string_view key, std::int64_t cost,
                                                               boot_time deadline, std::string_view idempotency_key,
                                                               window& in);
    /// At most what was taken in the current window.
    [[nodiscard]] boost::asio::awaitable<result<refunded>> refund(const rule& by, std::string_view key,
                                                                  std::int64_t cost, boot_time deadline);
    /// Gives `cost` back if `in` is still the current window.
    [[nodiscard]] boost::asio::awaitable<result<void>> undo(const rule& by, std::string_view key, std::int64_t cost,
                                                            window in);
    [[nodiscard]] boost::asio::awaitable<result<void>> forget(const rule& by, std::string_view key, boot_time deadline);

private:
    redis::client& state_;
    server_clock& clock_;
};

}  // namespace shoal::limiter
