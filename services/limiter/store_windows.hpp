#pragma once
// Counters of calendar windows in Redis.

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

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

    /// `in` becomes the window that was decided in. With an idempotency key a repeat within 5 minutes gets the first
    /// outcome. Not repeated after redis_outcome_unknown without one.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> take(const rule& by, std::string_view key, std::int64_t cost,
                                                               boot_time deadline, std::string_view idempotency_key,
                                                               window& in);
    /// Takes nothing; `granted` says whether `cost` would be.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> peek(const rule& by, std::string_view key, std::int64_t cost,
                                                               boot_time deadline);
    /// At most what was taken in the current window.
    [[nodiscard]] boost::asio::awaitable<result<refunded>> refund(const rule& by, std::string_view key,
                                                                  std::int64_t cost, boot_time deadline);
    /// Gives `cost` back if `in` is still the current window.
    [[nodiscard]] boost::asio::awaitable<result<void>> undo(const rule& by, std::string_view key, std::int64_t cost,
                                                            window in);
    [[nodiscard]] boost::asio::awaitable<result<void>> forget(const rule& by, std::string_view key, boot_time deadline);

private:
    struct asked;
    struct answered;
    struct latest {
        /// Keeps the address that it is found by.
        std::shared_ptr<const calendar> of;
        window in;
    };

    [[nodiscard]] boost::asio::awaitable<result<answered>> run(const rule& by, std::string_view key, asked what,
                                                               boot_time deadline);
    [[nodiscard]] const window& around(const std::shared_ptr<const calendar>& in, std::int64_t now_us);

    redis::client& state_;
    server_clock& clock_;
    /// Asking a calendar takes some 200 ns.
    std::unordered_map<const calendar*, latest> latest_{};
};

}  // namespace shoal::limiter
