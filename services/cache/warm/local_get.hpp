#pragma once
// One GET over a unix socket.

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/core/error.hpp"

namespace shoal::cache {

struct local_get {
    std::string socket;
    std::string target;
    /// Of the body.
    std::size_t most_bytes = 0;
    /// From the first to the last byte.
    std::chrono::milliseconds patience{0};
};

/// The body of a 200. Fails with the system's error when nobody listens, with deadline_exceeded, too_large,
/// malformed_body for any other answer, and connection_lost, also once `over` is asked to stop.
[[nodiscard]] boost::asio::awaitable<result<std::string>> get(boost::asio::io_context& loop, local_get what,
                                                              std::stop_token over);

}  // namespace shoal::cache
