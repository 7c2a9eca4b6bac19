#include "services/cache/warm/local_get.hpp"

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "common/http/response_reader.hpp"

#include <sys/socket.h>

namespace shoal::cache {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using reading = http::response_reader::state;
using stream = asio::local::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

class conversation : public std::enable_shared_from_this<conversation> {
public:
    conversation(asio::io_context& loop, local_get what) : what_{std::move(what)}, socket_{loop}, timer_{loop} {}

    [[nodiscard]] error_code connect();
    void begin_patience();
    [[nodiscard]] asio::awaitable<result<std::string>> run();
    void close() { socket_.close(ignored_); }

private:
    [[nodiscard]] asio::awaitable<error_code> receive();
    [[nodiscard]] std::optional<error_code> read();
    [[nodiscard]] error_code why() const { return impatient_ ? errc::deadline_exceeded : errc::connection_lost; }

    local_get what_;
    stream::socket socket_;
    asio::steady_timer timer_;
    http::response_reader reader_{{}};
    std::string body_;
    bool impatient_ = false;
    error_code ignored_;
};

/// At once or not at all: Asio would wait for ever for a process whose queue is full.
error_code conversation::connect()
{
    error_code failed;
    socket_.open(stream{}, failed);
    if (!failed) socket_.native_non_blocking(true, failed);
    if (failed) return failed;
    const stream::endpoint where{what_.socket};
    if (::connect(socket_.native_handle(), where.data(), static_cast<socklen_t>(where.size())) == 0) return {};
    return {errno, boost::system::system_category()};
}

void conversation::begin_patience()
{
    timer_.expires_after(what_.patience);
    timer_.async_wait([here = weak_from_this()](const error_code& cancelled) {
        const auto self = here.lock();
        if (cancelled || !self) return;
        self->impatient_ = true;
        self->close();
    });
}

asio::awaitable<result<std::string>> conversation::run()
{
    const std::string asked = "GET " + what_.target + " HTTP/1.1\r\nHost: shoal\r\nConnection: close\r\n\r\n";
    const auto [unsent, sent] = co_await asio::async_write(socket_, asio::buffer(asked), as_result);
    if (unsent) co_return why();
    reader_.begin(false);
    while (true) {
        if (const auto ended = read()) {
            if (*ended) co_return *ended;
            co_return std::move(body_);
        }
        if (const auto lost = co_await receive()) co_return lost;
    }
}

asio::awaitable<error_code> conversation::receive()
{
    const auto room = reader_.prepare();
    const auto [failed, count] = co_await socket_.async_receive(asio::buffer(room.data(), room.size()), as_result);
    if (failed && failed != asio::error::eof) co_return why();
    if (failed)
        reader_.end();
    else
        reader_.commit(count);
    co_return error_code{};
}

/// How it ended, once it has.
std::optional<error_code> conversation::read()
{
    while (reader_.current() == reading::interim) reader_.next();
    if (reader_.current() == reading::head) return std::nullopt;
    if (reader_.current() == reading::cut_short) return errc::connection_lost;
    if (reader_.current() == reading::malformed || reader_.head().status != 200) return errc::malformed_body;
    for (auto piece = reader_.take(); !piece.view.empty(); piece = reader_.take()) {
        if (body_.size() + piece.view.size() > what_.most_bytes) return errc::too_large;
        body_.append(piece.view);
    }
    switch (reader_.current()) {
    case reading::done: return error_code{};
    case reading::malformed: return errc::malformed_body;
    case reading::cut_short: return errc::connection_lost;
    default: return std::nullopt;
    }
}

}  // namespace

asio::awaitable<result<std::string>> get(asio::io_context& loop, local_get what, std::stop_token over)
{
    const auto held = std::make_shared<conversation>(loop, std::move(what));
    if (const auto refused = held->connect()) co_return refused;
    held->begin_patience();
    const std::stop_callback at_stop{over, [&held] { held->close(); }};
    co_return co_await held->run();
}

}  // namespace shoal::cache
