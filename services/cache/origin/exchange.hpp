#pragma once
// One request and its answer over one connection.

#include <memory>

#include <boost/asio/awaitable.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/cache/origin/origin.hpp"
#include "services/cache/origin/server.hpp"

namespace shoal::cache::origin {

struct outcome {
    std::unique_ptr<answer> got;
    /// Where there is no answer: an error of origin::send(), which may be the body's.
    boost::system::error_code error;
    /// The connection ended before a byte of the answer came.
    bool unanswered = false;
};

/// `what` and `held` live until it returns. With an answer, `held` is taken, or given back already where all of the
/// answer is there.
[[nodiscard]] boost::asio::awaitable<outcome> exchange(lease& held, outgoing& what, boot_time deadline);

}  // namespace shoal::cache::origin
