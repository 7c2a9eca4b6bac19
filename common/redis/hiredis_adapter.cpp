#include "common/redis/hiredis_adapter.hpp"

#include <boost/asio/post.hpp>

#include <fcntl.h>

#include <utility>

namespace shoal::redis {

hiredis_adapter::hiredis_adapter(boost::asio::io_context& loop, metrics::counter& writes)
    : loop_{loop}, writes_{writes}, socket_{loop}
{
}

boost::system::error_code hiredis_adapter::attach(redisAsyncContext& context, std::function<void()> gone)
{
    boost::system::error_code error;
    socket_.assign(context.c.fd, error);
    if (error) return error;
    fcntl(context.c.fd, F_SETFD, FD_CLOEXEC);

    context_ = &context;
    gone_ = std::move(gone);
    context.ev.data = this;
    context.ev.addRead = [](void* data) { of(data).add_read(); };
    context.ev.addWrite = [](void* data) { of(data).add_write(); };
    context.ev.cleanup = [](void* data) { of(data).clean_up(); };
    return {};
}

void hiredis_adapter::add_read()
{
    if (awaiting_read_) return;
    awaiting_read_ = true;
    socket_.async_wait(socket_.wait_read, [self = shared_from_this()](const boost::system::error_code&) {
        self->awaiting_read_ = false;
        if (self->context_ != nullptr) redisAsyncHandleRead(self->context_);
    });
}

void hiredis_adapter::add_write()
{
    if (awaiting_write_) return;
    // Only writability tells that a connect has ended, and that a full socket takes more.
    const bool connected = (context_->c.flags & REDIS_CONNECTED) != 0;
    if (!connected || inside_write_)
        await_writable();
    else
        flush_after_this_turn();
}

void hiredis_adapter::await_writable()
{
    awaiting_write_ = true;
    socket_.async_wait(socket_.wait_write,
                       [self = shared_from_this()](const boost::system::error_code&) { self->write(); });
}

void hiredis_adapter::flush_after_this_turn()
{
    awaiting_write_ = true;
    boost::asio::post(loop_, [self = shared_from_this()] { self->write(); });
}

void hiredis_adapter::write()
{
    awaiting_write_ = false;
    if (context_ == nullptr) return;
    if (sdslen(context_->c.obuf) > 0) writes_.add();
    inside_write_ = true;
    redisAsyncHandleWrite(context_);
    inside_write_ = false;
}

void hiredis_adapter::clean_up()
{
    // hiredis closes the descriptor itself.
    socket_.release();
    context_ = nullptr;
    std::exchange(gone_, nullptr)();
}

}  // namespace shoal::redis
