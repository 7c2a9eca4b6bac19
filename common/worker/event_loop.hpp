#pragma once
// The loop of a worker, which ends before what its coroutines refer to.

#include <boost/asio/io_context.hpp>

namespace shoal::worker {

class event_loop final : public boost::asio::io_context {
public:
    using io_context::io_context;

    /// After run(): destroys coroutines that never ended, while what they refer to is still there.
    void abandon() { shutdown(); }
};

}  // namespace shoal::worker
