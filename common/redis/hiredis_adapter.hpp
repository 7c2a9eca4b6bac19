#pragma once
// hiredis' event hooks on an Asio loop. hiredis owns the socket and its own context; this only watches the
// socket, and writes once per turn of the loop whatever was asked for in that turn.

#include "common/metrics/metrics.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <hiredis/async.h>

#include <functional>
#include <memory>

namespace shoal::redis {

/// Shared with the handlers that are in flight: these may run after the context is gone.
class hiredis_adapter : public std::enable_shared_from_this<hiredis_adapter> {
public:
    /// `writes` counts the calls that write to the socket.
    hiredis_adapter(boost::asio::io_context& loop, metrics::counter& writes);

    /// Watches the context's socket until hiredis cleans up, which ends with a call of `gone`: the context is
    /// freed right after it. An error when the loop can't watch the socket; the context is untouched then.
    [[nodiscard]] boost::system::error_code attach(redisAsyncContext& context, std::function<void()> gone);

private:
    static hiredis_adapter& of(void* data) noexcept { return *static_cast<hiredis_adapter*>(data); }

    void add_read();
    void add_write();
    void await_writable();
    void flush_after_this_turn();
    void write();
    void clean_up();

    boost::asio::io_context& loop_;
    metrics::counter& writes_;
    boost::asio::posix::stream_descriptor socket_;
    redisAsyncContext* context_ = nullptr;
    std::function<void()> gone_;
    // One outstanding wait per direction; a posted flush counts for writing.
    bool awaiting_read_ = false;
    bool awaiting_write_ = false;
    bool inside_write_ = false;
};

}  // namespace shoal::redis
