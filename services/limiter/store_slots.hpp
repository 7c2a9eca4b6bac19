#pragma once
// Slots of a concurrency rule in Redis: held until released, or until they expire.

#include <chrono>
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

/// A slot's id is 32 lower-case hexadecimal digits, drawn by whoever acquires. In an outcome `remaining` are free
/// slots, `reset_us` is until the last one expires, `retry_after_us` until the first one does.
class slot_store {
public:
    slot_store(redis::client& state, server_clock& clock) : state_{state}, clock_{clock} {}

    /// Repeating it with the same id is safe: an id that is held already is renewed.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> acquire(const rule& by, std::string_view key,
                                                                  std::string_view id, std::chrono::milliseconds ttl,
                                                                  boot_time deadline);
    /// Not granted when it has expired or was released.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> renew(const rule& by, std::string_view key,
                                                                std::string_view id, std::chrono::milliseconds ttl,
                                                                boot_time deadline);
    /// Granted also when it is gone.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> release(const rule& by, std::string_view key,
                                                                  std::string_view id, boot_time deadline);
    [[nodiscard]] boost::asio::awaitable<result<outcome>> peek(const rule& by, std::string_view key,
                                                               boot_time deadline);
    [[nodiscard]] boost::asio::awaitable<result<void>> forget(const rule& by, std::string_view key, boot_time deadline);

private:
    struct asked;

    [[nodiscard]] boost::asio::awaitable<result<outcome>> run(const rule& by, std::string_view key, asked what,
                                                              boot_time deadline);

    redis::client& state_;
    server_clock& clock_;
};

}  // namespace shoal::limiter
