#pragma once
// One connection: reads requests, has them handled, writes the answers in order.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list_hook.hpp>

#include "common/core/clock.hpp"
#include "common/http/reader.hpp"
#include "common/http/router.hpp"

namespace shoal::http {

class core;

/// Owned by its own coroutine, and listed in core::sessions for as long as it lives.
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
    /// What the session waits for, in the order of a request's life; each has a time limit.
    enum class phase : std::uint8_t { first_byte, idle, headers, body, handling, write, linger };
    enum class sent : std::uint8_t { all, some, failed };

    [[nodiscard]] boost::asio::awaitable<void> run();
    [[nodiscard]] boost::asio::awaitable<bool> answer_later(boost::asio::awaitable<response> pending);
    [[nodiscard]] boost::asio::awaitable<bool> write_rest();
    [[nodiscard]] boost::asio::awaitable<bool> receive();
    [[nodiscard]] boost::asio::awaitable<void> linger();

    void enter(phase next, boot_time now);
    [[nodiscard]] phase reading_phase() const noexcept;
    void begin_request();
    [[nodiscard]] reply handle();
    [[nodiscard]] response not_routed(const std::string& allowed) const;
    [[nodiscard]] response failed(const std::exception_ptr& failure);
    void finish_request(const response& answer);
    void log_if_slow(unsigned status, std::chrono::nanoseconds total);
    void answer_refusal(const refusal& why);
    /// Hands over what the kernel takes at once.
    [[nodiscard]] sent send_now();

    std::shared_ptr<core> core_;
    socket_type socket_;
    request_reader reader_;
    std::string out_;
    std::size_t out_sent_ = 0;
    /// Requests whose answers are not handed over, and how many of these answers are in out_.
    std::size_t unanswered_ = 0;
    std::size_t answers_out_ = 0;
    std::size_t route_ = 0;

    phase phase_ = phase::first_byte;
    boot_time deadline_;
    /// Of the last byte that came or went.
    boot_time active_;
    boot_time received_;

    bool over_limit_;
    bool served_one_ = false;
    bool closing_ = false;
    bool timed_out_ = false;
    bool cut_ = false;
    std::array<char, 40> made_id_;
};

}  // namespace shoal::http
