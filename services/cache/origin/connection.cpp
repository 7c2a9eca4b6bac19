#include "services/cache/origin/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace shoal::cache::origin {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
/// The queue of a unix socket is full: nothing tells when it no longer is.
constexpr auto full_queue_pause = 5ms;

}  // namespace

connection::connection(asio::io_context& loop, std::shared_ptr<alarm> deadlines, std::shared_ptr<instruments> counts,
                       const http::response_limits& bounds)
    : reader{bounds}, loop_{loop}, deadlines_{std::move(deadlines)}, counts_{std::move(counts)}, socket_{loop}
{
    counts_->opened();
}

connection::~connection()
{
    counts_->closed();
}

void connection::expired()
{
    timed_out_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void connection::begin_wait(boot_time deadline)
{
    timed_out_ = false;
    deadlines_->set(*this, deadline);
}

asio::awaitable<result<void>> connection::connect(endpoint where, boot_time deadline)
{
    boost::system::error_code error;
    socket_.close(error);
    socket_.open(where.protocol(), error);
    if (error) co_return errc::origin_unreachable;
    bool connected = false;
    if (where.protocol().family() == AF_UNIX) {
        connected = co_await connect_local(where, deadline);
    } else {
        const int on = 1;
        ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        begin_wait(deadline);
        const auto [failed] = co_await socket_.async_connect(where, as_result);
        deadlines_->set(*this, boot_time::max());
        connected = !failed;
    }
    if (connected) co_return boost::system::in_place_value;
    socket_.close(error);
    co_return errc::origin_unreachable;
}

/// Asio takes a full queue for a connection that is under way.
asio::awaitable<bool> connection::connect_local(const endpoint& where, boot_time deadline)
{
    boost::system::error_code error;
    socket_.native_non_blocking(true, error);
    while (::connect(socket_.native_handle(), where.data(), static_cast<socklen_t>(where.size())) != 0) {
        if ((errno != EAGAIN && errno != EINTR) || boot_clock::now() >= deadline) co_return false;
        asio::steady_timer pause{loop_, full_queue_pause};
        co_await pause.async_wait(as_result);
    }
    co_return true;
}

connection::sent connection::send_now(std::span<const std::string_view> pieces)
{
    out_at_ = out_count_ = 0;
    for (const auto piece : pieces)
        if (!piece.empty()) out_[out_count_++] = {const_cast<char*>(piece.data()), piece.size()};
    return flush();
}

connection::sent connection::flush()
{
    while (out_at_ < out_count_) {
        msghdr message{};
        message.msg_iov = &out_[out_at_];
        message.msg_iovlen = out_count_ - out_at_;
        const auto count = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? sent::some : sent::failed;
        for (auto left = static_cast<std::size_t>(count); left > 0;) {
            auto& first = out_[out_at_];
            const auto taken = std::min(left, first.iov_len);
            first.iov_base = static_cast<char*>(first.iov_base) + taken;
            first.iov_len -= taken;
            left -= taken;
            if (first.iov_len == 0) ++out_at_;
        }
    }
    return sent::all;
}

asio::awaitable<connection::sent> connection::send_rest()
{
    auto outcome = flush();
    while (outcome == sent::some) {
        const auto [error] = co_await socket_.async_wait(asio::socket_base::wait_write, as_result);
        outcome = error ? sent::failed : flush();
    }
    co_return outcome;
}

void connection::shut()
{
    boost::system::error_code ignored;
    socket_.shutdown(socket_type::shutdown_both, ignored);
}

asio::awaitable<result<void>> connection::receive(boot_time deadline)
{
    const auto room = reader.prepare();
    begin_wait(deadline);
    const auto [error, count] = co_await socket_.async_receive(asio::buffer(room.data(), room.size()), as_result);
    deadlines_->set(*this, boot_time::max());
    if (error && error != asio::error::eof) co_return why();
    if (error)
        reader.end();
    else
        reader.commit(count);
    co_return boost::system::in_place_value;
}

bool connection::quiet() noexcept
{
    char byte = 0;
    return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace shoal::cache::origin
