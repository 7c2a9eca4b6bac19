#pragma once
// A key's cell in Redis, in the limiter's own verbs.

#include <chrono>
#include <cstdint>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/limiter/rule.hpp"

namespace shoal::redis {
class client;
}

namespace shoal::limiter {

/// What the script decided: by `judged`, the rate of the newest version of the rule that the cell has seen.
struct outcome {
    decision made;
    rate judged;
    std::int64_t now_us = 0;
};

class store {
public:
    /// The client lives longer. `timeout` bounds a take, in Redis' time as well.
    store(redis::client& state, std::chrono::milliseconds timeout);

    /// `cost` 0 peeks. Not repeated after redis_outcome_unknown: the cells may have been taken.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> take(const rule& by, std::string_view key, std::int64_t cost,
                                                               boot_time deadline);

    [[nodiscard]] boost::asio::awaitable<result<void>> forget(const rule& by, std::string_view key, boot_time deadline);

private:
    [[nodiscard]] boost::asio::awaitable<result<outcome>> run(std::string_view cell_key, const rule& by,
                                                              std::int64_t cost, boot_time deadline);
    [[nodiscard]] std::int64_t not_after(boot_time deadline) const noexcept;

    redis::client& state_;
    std::chrono::milliseconds timeout_;
    /// Redis' clock less boot_clock in microseconds, at most the true one: replies arrive after they were made.
    std::int64_t offset_us_ = 0;
    bool offset_known_ = false;
};

}  // namespace shoal::limiter
