#pragma once
// One connection: reads requests, has them handled, writes the answers in order.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list_hook.hpp>

#include "common/core/clock.hpp"
#include "common/core/counted.hpp"
#include "common/http/output.hpp"
#include "common/http/prepared.hpp"
#include "common/http/reader.hpp"
#include "common/http/router.hpp"
#include "common/http/session_exchange.hpp"
#include "common/http/wire.hpp"

namespace shoal::http {

class core;

/// Owned by its own coroutine, and listed in core::sessions for as long as it lives.
/// session.cpp has what the connection does, session_answer.cpp what an answer is made of, session_stream.cpp what
/// only a streamed exchange needs, session_load.cpp what is done when there is too much to do.
class session : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    /// With the executor of the coroutine that waits: then a completion resumes it without another hop.
    using socket_type = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol>;

    /// A session over the limit of connections answers 503 and no more.
    session(std::shared_ptr<core> shared, socket_type socket, bool over_limit);
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    [[nodiscard]] static boost::asio::awaitable<void> serve(std::unique_ptr<session> self);

    /// Does what is due when the deadline of what it waits for has passed.
    void expire(boot_time now);
    /// Closes the connection if it waits for a request, and no byte has come or gone for so long.
    void close_if_idle(boot_time now, std::chrono::nanoseconds idle);
    /// Closes the connection. A handler that runs ends on its own; its answer is dropped.
    void cut();

private:
    friend class session_exchange;

    static constexpr refusal too_slow{408, "timeout", "the request did not arrive in time"};

    /// What the session waits for, in the order of a request's life; each has a time limit.
    enum class phase : std::uint8_t { first_byte, idle, headers, body, handling, write, linger };

    /// How a callback that may come after the session's end finds it, or finds it gone.
    struct anchor final : counted {
        explicit anchor(session& to) : of{&to} {}
        session* of;
    };

    // Each is false when the connection has ended.
    [[nodiscard]] std::optional<boost::asio::awaitable<bool>> answer_at_once();
    [[nodiscard]] boost::asio::awaitable<bool> answer_in_turn();
    [[nodiscard]] boost::asio::awaitable<bool> answer_later(boost::asio::awaitable<response> pending);
    [[nodiscard]] boost::asio::awaitable<bool> write_rest();
    [[nodiscard]] boost::asio::awaitable<bool> receive();

    [[nodiscard]] boost::asio::awaitable<void> run();
    [[nodiscard]] boost::asio::awaitable<void> linger();
    void enter(phase next, boot_time now);
    [[nodiscard]] phase reading_phase() const noexcept;
    /// Hands over what the kernel takes at once.
    [[nodiscard]] output::sent send_now();
    [[nodiscard]] bool all_sent() { return out_.empty() || send_now() == output::sent::all; }

    void begin_request();
    [[nodiscard]] std::optional<response> not_begun() const;
    /// False when as many requests wait as may.
    [[nodiscard]] bool admit();
    /// The request in hand does not wait any more.
    void release(boot_time now);
    [[nodiscard]] response overloaded();
    [[nodiscard]] reply handle(const router& routes);
    [[nodiscard]] response not_routed(const std::string& allowed) const;
    [[nodiscard]] response failed(const std::exception_ptr& failure);
    [[nodiscard]] envelope envelope_at(boot_time now);
    void finish_request(const response& answer);
    void finish_request(prepared&& answer);
    /// The answer is in out_ as far as it goes.
    void finished(unsigned status, boot_time now);
    void log_if_slow(unsigned status, std::chrono::nanoseconds total);
    void answer_refusal(const refusal& why);

    [[nodiscard]] boost::asio::awaitable<bool> stream_later(boost::asio::awaitable<void> pending);
    /// Reads what the handler left of the request's body, up to a bound.
    [[nodiscard]] boost::asio::awaitable<bool> drop_body();
    [[nodiscard]] boost::asio::awaitable<result<void>> receive_body();
    [[nodiscard]] streamed_reply handle(const stream_handler& answers);
    void conclude(const std::exception_ptr& failure);
    /// Whether the connection can't go on after an answer, as the rest of the request's body is too long to drop.
    [[nodiscard]] bool must_leave_body() const noexcept;
    /// Sends what the kernel takes of a streamed answer; cuts a connection that is lost, and is false for it.
    [[nodiscard]] bool push();
    /// Sends the rest whenever the kernel takes some, whatever the handler waits for meanwhile.
    void push_on();
    /// Sends what waits at the end of the loop's turn, if nothing has sent it by then.
    void push_soon();
    [[nodiscard]] const boost::intrusive_ptr<anchor>& anchored();

    std::shared_ptr<core> core_;
    socket_type socket_;
    request_reader reader_;
    output out_;
    session_exchange exchange_;
    /// Requests whose answers are not handed over, and how many of these answers are in out_.
    std::size_t unanswered_ = 0;
    std::size_t answers_out_ = 0;
    std::size_t route_ = 0;

    phase phase_ = phase::first_byte;
    boot_time deadline_;
    /// Until when the kernel must have taken something of a streamed answer.
    boot_time push_deadline_ = boot_time::max();
    /// Of the last byte that came or went.
    boot_time active_;
    /// Of the last byte that came.
    boot_time arrived_;
    /// When the request in hand had arrived, and the one before it was answered.
    boot_time received_;

    bool over_limit_;
    bool served_one_ = false;
    bool closing_ = false;
    bool timed_out_ = false;
    bool cut_ = false;
    bool pushing_on_ = false;
    /// The request in hand is among core::waiting.
    bool admitted_ = false;
    boost::intrusive_ptr<anchor> anchor_;
    std::array<char, 40> made_id_;
};

}  // namespace shoal::http
