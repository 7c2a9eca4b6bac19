#pragma once
// Turns a loop until something is true: what tests do instead of sleeping.

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>

namespace shoal::test {

/// False when `limit` passed, or the loop ran out of work, before it became true.
[[nodiscard]] bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done,
                             std::chrono::milliseconds limit = std::chrono::seconds{10});

}  // namespace shoal::test
