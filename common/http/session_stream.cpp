#include "common/http/session.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/http/core.hpp"
#include "common/log/log.hpp"

namespace shoal::http {
namespace {

namespace asio = boost::asio;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// More than this of an unread body is not worth the connection.
constexpr std::uint64_t most_dropped = 256 * 1024;
/// For the metrics: nobody was there to be answered.
constexpr unsigned client_left = 499;

}  // namespace

streamed_reply session::handle(const stream_handler& answers)
{
    auto& request = reader_.request();
    if (auto late = not_begun()) return *std::move(late);
    if (request.method == verb::trace) return not_routed("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    route_ = 1;
    try {
        return answers(request, exchange_);
    } catch (...) {
        return failed(std::current_exception());
    }
}

/// What was answered before does not wait for this answer.
asio::awaitable<bool> session::stream_later(asio::awaitable<void> pending)
{
    if (!all_sent() && !co_await write_rest()) co_return false;
    enter(phase::handling, received_);  // it may have been a write's
    std::exception_ptr failure;
    try {
        co_await std::move(pending);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!exchange_.complete())
        conclude(failure);
    else if (failure)
        (void)failed(failure);
    co_return !cut_;
}

/// The handler ended and its answer did not.
void session::conclude(const std::exception_ptr& failure)
{
    const auto* const refused = reader_.current() == request_reader::state::refused ? &reader_.refused()
                                : timed_out_                                        ? &too_slow
                                                                                    : nullptr;
    if (failure) {
        const auto answer = failed(failure);
        if (!cut_ && !exchange_.begun()) return finish_request(answer);
    } else if (refused != nullptr && !cut_ && !exchange_.begun()) {
        return finish_request(problem(refused->status, refused->detail));
    } else if (!cut_) {
        core_->log.error("a handler ended without completing its answer",
                         {{"request_id", reader_.request().id}, {"path", reader_.request().path}});
        if (!exchange_.begun()) return finish_request(problem(500, "the server failed; its log has this request's id"));
    }
    if (!cut_) cut();
    if (exchange_.begun()) core_->metrics.truncated();
    finished(exchange_.begun() ? exchange_.status() : client_left, boot_clock::now());
}

bool session::must_leave_body() const noexcept
{
    // Who waits for 100 Continue may or may not send the body after this answer.
    return reader_.has_body() && (reader_.awaits_continue() || reader_.body_left() > most_dropped);
}

asio::awaitable<bool> session::drop_body()
{
    if (!all_sent() && !co_await write_rest()) co_return false;
    enter(phase::body, boot_clock::now());
    closing_ = must_leave_body();
    std::uint64_t dropped = 0;
    while (!closing_ && reader_.has_body()) {
        const auto piece = reader_.next_piece();
        dropped += piece.size();
        closing_ = reader_.current() == request_reader::state::refused || dropped > most_dropped;
        if (closing_) co_return true;
        if (!piece.empty() || !reader_.has_body()) continue;
        if (!co_await receive_body()) co_return !cut_;
    }
    co_return true;
}

/// Fails when the connection is lost, which it then is cut, in the time of the present phase, or when it is cancelled.
asio::awaitable<result<void>> session::receive_body()
{
    const auto room = reader_.prepare();
    const auto [error, count] = co_await socket_.async_receive(asio::buffer(room.data(), room.size()), as_result);
    if (cut_) co_return errc::connection_lost;
    if (!error) {
        timed_out_ = false;
        active_ = arrived_ = boot_clock::now();
        reader_.commit(count);
        co_return result<void>{};
    }
    // Not the connection, only who wanted more of the body: what is left of it is dropped as if nobody had asked.
    if (error == asio::error::operation_aborted && !timed_out_) co_return errc::connection_lost;
    closing_ = true;
    if (timed_out_) co_return errc::deadline_exceeded;
    cut();
    co_return errc::connection_lost;
}

bool session::push()
{
    if (cut_) return false;
    const auto before = out_.total();
    const auto result = send_now();
    if (result == output::sent::failed) {
        cut();
        return false;
    }
    const auto now = boot_clock::now();
    const bool progress = out_.total() != before;
    if (progress) active_ = now;
    if (result == output::sent::all)
        push_deadline_ = boot_time::max();
    else if (progress || push_deadline_ == boot_time::max())
        push_deadline_ = now + core_->options.bounds.write;
    return true;
}

void session::push_on()
{
    if (cut_ || out_.empty() || std::exchange(pushing_on_, true)) return;
    socket_.async_wait(asio::socket_base::wait_write, [to = anchored()](const boost::system::error_code&) {
        if (to->of == nullptr) return;
        auto& self = *to->of;
        self.pushing_on_ = false;
        // Once the handler has ended, write_rest() sees to it.
        if (self.phase_ != phase::write && self.push()) self.push_on();
    });
}

void session::push_soon()
{
    asio::post(socket_.get_executor(), [to = anchored()] {
        if (to->of != nullptr && to->of->push()) to->of->push_on();
    });
}

const boost::intrusive_ptr<session::anchor>& session::anchored()
{
    if (!anchor_) anchor_ = new anchor{*this};
    return anchor_;
}

}  // namespace shoal::http
