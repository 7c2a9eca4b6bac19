#include "common/http/session.hpp"

#include <cerrno>
#include <utility>
#include <variant>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include "common/http/core.hpp"
#include "common/log/log.hpp"

namespace shoal::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// Answers of pipelined requests are gathered up to about this size.
constexpr std::size_t batch = 64 * 1024;
constexpr std::size_t kept_output = 16 * 1024;
/// How much is read, and for how long, so that closing does not reset what was answered.
constexpr std::size_t linger_bytes = 256 * 1024;
constexpr auto linger_time = 1s;

constexpr refusal too_many_connections{503, "connections", "too many connections; try again in a second"};
constexpr refusal too_slow{408, "timeout", "the request did not arrive in time"};

}  // namespace

session::session(std::shared_ptr<core> shared, socket_type socket, bool over_limit)
    : core_{std::move(shared)},
      socket_{std::move(socket)},
      reader_{core_->options.bounds},
      active_{boot_clock::now()},
      received_{active_},
      over_limit_{over_limit}
{
    enter(phase::first_byte, active_);
    core_->sessions.push_back(*this);
    ++core_->connections;
    core_->metrics.opened();
}

session::~session()
{
    unlink();
    --core_->connections;
    core_->in_flight -= unanswered_;
    if (core_->orphaned) return;
    core_->metrics.closed();
    core_->metrics.in_flight(-static_cast<double>(unanswered_));
    core_->stop_sweeping_when_done();
}

asio::awaitable<void> session::serve(std::unique_ptr<session> self)
{
    co_await self->run();
}

asio::awaitable<void> session::run()
{
    using state = request_reader::state;
    if (over_limit_) answer_refusal(too_many_connections);
    while (!cut_) {
        while (reader_.current() == state::ready && !closing_ && out_.size() < batch) {
            begin_request();
            auto made = handle();
            if (auto* const now = std::get_if<response>(&made))
                finish_request(*now);
            else if (!co_await answer_later(std::get<asio::awaitable<response>>(std::move(made))))
                co_return;
            if (!closing_) reader_.next();
        }
        if (reader_.current() == state::refused && !closing_) answer_refusal(reader_.refused());
        if (reader_.take_continue()) out_.append("HTTP/1.1 100 Continue\r\n\r\n");
        if (!out_.empty() && send_now() != sent::all && !co_await write_rest()) co_return;
        if (closing_) break;
        if (reader_.current() != state::ready && !co_await receive()) co_return;
    }
    if (!cut_) co_await linger();
}

/// What was answered before does not wait for this answer. False when the connection has ended.
asio::awaitable<bool> session::answer_later(asio::awaitable<response> pending)
{
    if (!out_.empty() && send_now() != sent::all && !co_await write_rest()) co_return false;
    enter(phase::handling, received_);  // it may have been a write's
    std::exception_ptr failure;
    try {
        finish_request(co_await std::move(pending));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) finish_request(failed(failure));
    co_return !cut_;
}

void session::begin_request()
{
    auto& request = reader_.request();
    request.received = received_;
    if (reader_.facts().deadline) request.deadline = received_ + *reader_.facts().deadline;
    if (request.id.empty()) request.id = core_->make_id(made_id_);
    served_one_ = true;
    // Nothing is waited for; and the wait for the next request begins anew.
    enter(phase::handling, received_);
    core_->last_request = received_;
    ++unanswered_;
    ++core_->in_flight;
    core_->metrics.in_flight(1);
}

reply session::handle()
{
    auto& request = reader_.request();
    route_ = instruments::no_route;
    if (request.deadline && boot_clock::now() >= *request.deadline)
        return problem(504, "the request's deadline passed before its work was begun");
    if (request.path == "*") return response{204};
    const auto match = core_->routes.find(request);
    if (match.found == nullptr) return not_routed(match.allowed);
    route_ = static_cast<std::size_t>(match.found - core_->routes.routes().data()) + 1;
    try {
        return match.found->handle(request);
    } catch (...) {
        return failed(std::current_exception());
    }
}

response session::not_routed(const std::string& allowed) const
{
    if (allowed.empty()) return problem(404, "nothing is served under this path");
    auto answer = problem(405, "this path is not served with this method; see Allow");
    answer.add("Allow", allowed);
    return answer;
}

response session::failed(const std::exception_ptr& failure)
{
    const auto& request = reader_.request();
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        core_->log.error("a handler threw an exception",
                         {{"request_id", request.id}, {"path", request.path}, {"error", error.what()}});
    } catch (...) {
        core_->log.error("a handler threw something unknown", {{"request_id", request.id}, {"path", request.path}});
    }
    return problem(500, "the server failed; its log has this request's id");
}

void session::finish_request(const response& answer)
{
    const auto& request = reader_.request();
    const auto now = boot_clock::now();
    const auto total = now - received_;
    closing_ = answer.closes() || !reader_.facts().keep_alive || core_->draining;
    if (!cut_)
        append_answer(out_, answer,
                      {.head_only = request.method == verb::head,
                       .close = closing_,
                       .http11 = reader_.facts().http11,
                       .fixed_lines = core_->fixed_lines,
                       .date = core_->date.at(now),
                       .request_id = request.id,
                       .total = total,
                       .timings = request.timings()});
    ++answers_out_;
    core_->metrics.answered(route_, answer.status(), std::chrono::duration<double>{total}.count());
    log_if_slow(answer.status(), total);
    active_ = now;
}

void session::log_if_slow(unsigned status, std::chrono::nanoseconds total)
{
    if (core_->slow == 0ns || total <= core_->slow) return;
    const auto& request = reader_.request();
    std::string parts;
    for (const auto& one : request.timings()) {
        if (!parts.empty()) parts += ", ";
        parts.append(one.name).append(" ");
        parts += std::to_string(std::chrono::duration<double, std::milli>{one.duration}.count());
    }
    core_->log.warning("slow request", {{"request_id", request.id},
                                        {"method", request.method_text},
                                        {"path", request.path},
                                        {"status", status},
                                        {"total_ms", std::chrono::duration<double, std::milli>{total}.count()},
                                        {"parts_ms", parts}});
}

void session::answer_refusal(const refusal& why)
{
    auto answer = problem(why.status, why.detail);
    if (why.status == 503) answer.add("Retry-After", "1");
    const auto& taken_over = reader_.request().id;
    const auto id = taken_over.empty() ? core_->make_id(made_id_) : taken_over;
    const auto now = boot_clock::now();
    closing_ = true;
    append_answer(out_, answer,
                  {.close = true,
                   .fixed_lines = core_->fixed_lines,
                   .date = core_->date.at(now),
                   .request_id = id,
                   .total = now - received_,
                   .timings = {}});
    core_->metrics.rejected(why.reason);
    core_->log.debug("request refused", {{"request_id", id}, {"status", why.status}, {"detail", why.detail}});
}

session::sent session::send_now()
{
    while (out_sent_ < out_.size()) {
        const auto count = ::send(socket_.native_handle(), out_.data() + out_sent_, out_.size() - out_sent_,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? sent::some : sent::failed;
        out_sent_ += static_cast<std::size_t>(count);
    }
    out_sent_ = 0;
    out_.clear();
    if (out_.capacity() > kept_output) out_.shrink_to_fit();
    // One that is being handled is not among them.
    const auto handed_over = std::exchange(answers_out_, 0);
    unanswered_ -= handed_over;
    core_->in_flight -= handed_over;
    core_->metrics.in_flight(-static_cast<double>(handed_over));
    return sent::all;
}

/// Waits until the client takes what send_now() left. False when the connection has ended.
asio::awaitable<bool> session::write_rest()
{
    enter(phase::write, boot_clock::now());
    while (!cut_) {
        const auto result = send_now();
        if (result == sent::failed) co_return false;
        if (result == sent::all) {
            active_ = boot_clock::now();
            co_return true;
        }
        const auto [error] = co_await socket_.async_wait(asio::socket_base::wait_write, as_result);
        if (error) co_return false;
    }
    co_return false;
}

/// Reads what is there, or waits for it. False when the connection has ended.
asio::awaitable<bool> session::receive()
{
    if (const auto next = reading_phase(); next != phase_) enter(next, active_);
    const auto room = reader_.prepare();
    const auto [error, count] = co_await socket_.async_receive(asio::buffer(room.data(), room.size()), as_result);
    if (cut_) co_return false;
    if (!error) {
        timed_out_ = false;
        active_ = received_ = boot_clock::now();
        reader_.commit(count);
        co_return true;
    }
    if (!timed_out_) co_return false;
    answer_refusal(too_slow);
    co_return true;
}

/// Reads on for a while after the last answer: closing with unread input would reset it.
asio::awaitable<void> session::linger()
{
    boost::system::error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    enter(phase::linger, boot_clock::now());
    std::size_t total = 0;
    while (!cut_ && total < linger_bytes) {
        auto& sink = core_->discarded;
        const auto [error, count] = co_await socket_.async_receive(asio::buffer(sink), as_result);
        if (error) break;
        total += count;
    }
}

session::phase session::reading_phase() const noexcept
{
    switch (reader_.current()) {
    case request_reader::state::head: return phase::headers;
    case request_reader::state::body: return phase::body;
    default: return served_one_ ? phase::idle : phase::first_byte;
    }
}

void session::enter(phase next, boot_time now)
{
    const auto& bounds = core_->options.bounds;
    phase_ = next;
    switch (next) {
    case phase::first_byte: deadline_ = now + bounds.first_byte; break;
    case phase::idle: deadline_ = now + bounds.idle; break;
    case phase::headers: deadline_ = now + bounds.headers; break;
    case phase::body: deadline_ = now + bounds.whole_body; break;
    case phase::handling: deadline_ = boot_time::max(); break;
    case phase::write: deadline_ = now + bounds.write; break;
    case phase::linger: deadline_ = now + linger_time; break;
    }
}

void session::expire(boot_time now)
{
    if (now < deadline_ || cut_) return;
    if (phase_ == phase::idle || phase_ == phase::write || phase_ == phase::linger) return cut();
    timed_out_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void session::close_if_idle(boot_time now, std::chrono::nanoseconds idle)
{
    if ((phase_ != phase::idle && phase_ != phase::first_byte) || now - active_ < idle || cut_) return;
    char byte = 0;
    // A request may have come that the loop has not looked at yet.
    if (::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) return;
    cut();
}

void session::cut()
{
    cut_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace shoal::http
