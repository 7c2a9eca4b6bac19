#include "common/http/session_exchange.hpp"

#include <cassert>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <poll.h>

#include "common/http/core.hpp"
#include "common/http/session.hpp"
#include "common/http/wire.hpp"
#include "common/log/log.hpp"

namespace shoal::http {
namespace {

namespace asio = boost::asio;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// What may wait for the client when write() returns.
constexpr std::uint64_t high_water = 256 * 1024;

}  // namespace

bool session_exchange::has_body() const noexcept
{
    return of_.reader_.has_body();
}

std::optional<std::uint64_t> session_exchange::body_length() const noexcept
{
    return of_.reader_.facts().content_length;
}

std::string_view session_exchange::trailers() const noexcept
{
    return of_.reader_.trailers();
}

asio::awaitable<result<std::string_view>> session_exchange::read()
{
    auto& reader = of_.reader_;
    for (;;) {
        if (of_.cut_) co_return errc::connection_lost;
        if (of_.timed_out_) co_return errc::deadline_exceeded;
        const bool was_refused = reader.current() == request_reader::state::refused;
        const auto piece = reader.next_piece();
        if (!piece.empty()) co_return piece;
        if (reader.current() == request_reader::state::refused) co_return refuse_body(was_refused);
        if (!reader.has_body()) co_return std::string_view{};
        if (!begun() && reader.take_continue()) {
            append_interim(of_.out_.text(), 100, {});
            if (!of_.push()) co_return errc::connection_lost;
            of_.push_on();
        }
        of_.enter(session::phase::body, boot_clock::now());
        const auto received = co_await of_.receive_body();
        of_.enter(session::phase::handling, of_.received_);
        if (!received) co_return received.error();
    }
}

errc session_exchange::refuse_body(bool again)
{
    const auto& why = of_.reader_.refused();
    of_.closing_ = true;
    if (!again) of_.core_->metrics.rejected(why.reason);
    return why.status == 400 ? errc::malformed_body : errc::too_large;
}

asio::awaitable<result<void>> session_exchange::interim(unsigned status, std::string_view lines)
{
    assert(status >= 100 && status < 200 && status != 101);
    if (of_.cut_ || begun()) co_return errc::connection_lost;
    if (!of_.reader_.facts().http11) co_return result<void>{};
    if (status == 100) (void)of_.reader_.take_continue();
    append_interim(of_.out_.text(), status, lines);
    if (!of_.push()) co_return errc::connection_lost;
    of_.push_on();
    co_return result<void>{};
}

asio::awaitable<result<void>> session_exchange::begin(streamed_head head)
{
    assert(!begun());
    if (of_.cut_ || begun()) co_return errc::connection_lost;
    stage_ = stage::begun;
    status_ = head.status;
    left_ = head.length;
    const bool http11 = of_.reader_.facts().http11;
    bodiless_ = of_.reader_.request().method == verb::head || !http::has_body(status_);
    chunked_ = !bodiless_ && !left_ && http11;
    // Of a long body the handler may read more meanwhile; who waits for 100 Continue is not told any more.
    if (ends_with_connection() || of_.reader_.awaits_continue()) of_.closing_ = true;
    const auto now = boot_clock::now();
    // How long the rest takes is the client's business, too.
    of_.release(now);
    append_head(of_.out_.text(), head, of_.envelope_at(now));
    // Together with what the handler writes in this turn.
    of_.push_soon();
    co_return result<void>{};
}

asio::awaitable<result<void>> session_exchange::write(shared_bytes piece)
{
    assert(stage_ == stage::begun || of_.cut_);
    if (of_.cut_ || stage_ != stage::begun) co_return errc::connection_lost;
    if (bodiless_ || piece.view.empty()) co_return result<void>{};
    if (left_ && piece.view.size() > *left_) co_return break_off();
    add_piece(std::move(piece));
    if (!of_.push()) co_return errc::connection_lost;
    while (of_.out_.size() > high_water) {
        // Its error shows in what follows: closing, or a cancellation that was meant for a read.
        (void)co_await of_.socket_.async_wait(asio::socket_base::wait_write, as_result);
        if (!of_.push()) co_return errc::connection_lost;
    }
    of_.push_on();
    co_return result<void>{};
}

void session_exchange::add_piece(shared_bytes piece)
{
    if (left_) *left_ -= piece.view.size();
    if (chunked_) append_chunk_size(of_.out_.text(), piece.view.size());
    of_.out_.add(std::move(piece));
    if (chunked_) of_.out_.text().append("\r\n");
}

asio::awaitable<result<void>> session_exchange::end(std::string_view trailers)
{
    assert(stage_ == stage::begun || of_.cut_);
    if (of_.cut_ || stage_ != stage::begun) co_return errc::connection_lost;
    if (!bodiless_ && left_.value_or(0) > 0) co_return break_off();
    if (chunked_) of_.out_.text().append("0\r\n").append(trailers).append("\r\n");
    stage_ = stage::complete;
    of_.finished(status_, boot_clock::now());
    if (!of_.push()) co_return errc::connection_lost;
    of_.push_on();
    co_return result<void>{};
}

errc session_exchange::break_off()
{
    of_.core_->log.error("an answer has not the length that its head says",
                         {{"request_id", of_.reader_.request().id}, {"path", of_.reader_.request().path}});
    cut();
    return errc::connection_lost;
}

void session_exchange::cut() noexcept
{
    if (!of_.cut_) of_.cut();
}

bool session_exchange::abandoned() const noexcept
{
    if (of_.cut_) return true;
    pollfd one{of_.socket_.native_handle(), POLLRDHUP, 0};
    return ::poll(&one, 1, 0) > 0;
}

void session_exchange::answer(response whole)
{
    assert(!begun());
    if (of_.cut_ || begun()) return;
    stage_ = stage::complete;
    of_.finish_request(whole);
    if (of_.push()) of_.push_on();
}

void session_exchange::answer(prepared whole)
{
    assert(!begun());
    if (of_.cut_ || begun()) return;
    stage_ = stage::complete;
    of_.finish_request(std::move(whole));
    if (of_.push()) of_.push_on();
}

}  // namespace shoal::http
