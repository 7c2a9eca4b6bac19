#include "common/http/session.hpp"

#include <cerrno>
#include <utility>
#include <variant>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include "common/http/core.hpp"

namespace shoal::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// Answers of pipelined requests are gathered up to about this size.
constexpr std::size_t batch = 64 * 1024;
/// How much is read, and for how long, so that closing does not reset what was answered.
constexpr std::size_t linger_bytes = 256 * 1024;
constexpr auto linger_time = 1s;

constexpr refusal too_many_connections{503, "connections", "too many connections; try again in a second"};

request_reader::bodies bodies_for(const responder& answers) noexcept
{
    return std::holds_alternative<router>(answers) ? request_reader::bodies::whole : request_reader::bodies::streamed;
}

}  // namespace

session::session(std::shared_ptr<core> shared, socket_type socket, bool over_limit)
    : core_{std::move(shared)},
      socket_{std::move(socket)},
      reader_{core_->options.bounds, bodies_for(core_->answers)},
      exchange_{*this},
      active_{boot_clock::now()},
      arrived_{active_},
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
    if (anchor_) anchor_->of = nullptr;
    unlink();
    --core_->connections;
    core_->in_flight -= unanswered_;
    if (admitted_) core_->waiting->leave();
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
            auto later = core_->options.bounds.service_time > 0us ? std::optional{answer_in_turn()} : answer_at_once();
            if (later && !co_await *std::move(later)) co_return;
            if (!closing_ && reader_.has_body() && !co_await drop_body()) co_return;
            if (!closing_) reader_.next();
        }
        if (reader_.current() == state::refused && !closing_) answer_refusal(reader_.refused());
        if (reader_.current() == state::body && reader_.take_continue()) append_interim(out_.text(), 100, {});
        if (!all_sent() && !co_await write_rest()) co_return;
        if (closing_) break;
        if (reader_.current() != state::ready && !co_await receive()) co_return;
    }
    if (!cut_) co_await linger();
}

/// Answers, or returns what will, which says whether the connection goes on.
std::optional<asio::awaitable<bool>> session::answer_at_once()
{
    if (const auto* const routes = std::get_if<router>(&core_->answers)) {
        auto made = handle(*routes);
        if (auto* const pending = std::get_if<asio::awaitable<response>>(&made)) {
            if (admit()) return answer_later(std::move(*pending));
            made = overloaded();
        }
        finish_request(std::get<response>(made));
        return std::nullopt;
    }
    auto made = handle(std::get<stream_handler>(core_->answers));
    if (auto* const pending = std::get_if<asio::awaitable<void>>(&made)) {
        if (admit()) return stream_later(std::move(*pending));
        made = overloaded();
    }
    if (auto* const ready = std::get_if<prepared>(&made))
        finish_request(std::move(*ready));
    else
        finish_request(std::get<response>(made));
    return std::nullopt;
}

/// What was answered before does not wait for this answer.
asio::awaitable<bool> session::answer_later(asio::awaitable<response> pending)
{
    if (!all_sent() && !co_await write_rest()) co_return false;
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

output::sent session::send_now()
{
    const auto result = out_.send(socket_.native_handle());
    if (result != output::sent::all) return result;
    // One that is being handled is not among them.
    const auto handed_over = std::exchange(answers_out_, 0);
    unanswered_ -= handed_over;
    core_->in_flight -= handed_over;
    core_->metrics.in_flight(-static_cast<double>(handed_over));
    return result;
}

/// Waits until the client takes what send_now() left.
asio::awaitable<bool> session::write_rest()
{
    enter(phase::write, boot_clock::now());
    push_deadline_ = boot_time::max();
    while (!cut_) {
        const auto before = out_.total();
        const auto result = send_now();
        if (result == output::sent::failed) co_return false;
        if (out_.total() != before) active_ = boot_clock::now();
        if (result == output::sent::all) co_return true;
        if (reader_.streams()) enter(phase::write, active_);
        const auto [error] = co_await socket_.async_wait(asio::socket_base::wait_write, as_result);
        if (error) co_return false;
    }
    co_return false;
}

/// Reads what is there, or waits for it.
asio::awaitable<bool> session::receive()
{
    if (const auto next = reading_phase(); next != phase_) enter(next, active_);
    const auto room = reader_.prepare();
    const auto [error, count] = co_await socket_.async_receive(asio::buffer(room.data(), room.size()), as_result);
    if (cut_) co_return false;
    if (!error) {
        timed_out_ = false;
        active_ = arrived_ = boot_clock::now();
        reader_.commit(count);
        co_return true;
    }
    if (!timed_out_) co_return false;
    received_ = arrived_;
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
    if (cut_) return;
    if (now >= push_deadline_) return cut();
    if (now < deadline_) return;
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
    // Where only its end shows that a body is complete, nothing but a reset shows that it is not.
    if (exchange_.ends_with_connection() && !(exchange_.complete() && out_.empty()))
        socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket_.close(ignored);
}

}  // namespace shoal::http
