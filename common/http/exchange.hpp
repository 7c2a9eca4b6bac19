#pragma once
// One request whose body has not been read, and its answer as it goes out: for a server that passes messages on.
// Nothing waits for a whole body; each write waits until the client has taken enough of what was written before.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "common/core/bytes.hpp"
#include "common/core/error.hpp"
#include "common/http/prepared.hpp"
#include "common/http/request.hpp"
#include "common/http/response.hpp"

namespace shoal::http {

/// The head of an answer that is streamed.
struct streamed_head {
    unsigned status = 200;
    /// Header lines, each with its CR LF; without Content-Length, Transfer-Encoding, Connection and what the session
    /// adds to every answer. Date is added when it is not among them.
    std::string_view lines{};
    /// Known length of the body; without one it is chunked (to HTTP/1.0: ended by closing).
    std::optional<std::uint64_t> length{};
};

/// Lives as long as the handler that it was given to. Every call but cut() may fail with the connection, after which
/// each later one fails as well. One coroutine may read while another writes, when both end before the handler does.
/// A handler that ends, or throws, without completing its answer gets 500 sent, or what read() was refused for; once
/// its answer is begun, the connection is cut.
class exchange {
public:
    /// The request has a body that has not been read to its end.
    [[nodiscard]] virtual bool has_body() const noexcept = 0;
    /// Of a body with a Content-Length.
    [[nodiscard]] virtual std::optional<std::uint64_t> body_length() const noexcept = 0;
    /// The next piece of the body, empty at its end; valid until the next call. Sends 100 Continue first where the
    /// client waits for it. Fails with errc::malformed_body for bad chunks, errc::too_large above the limit,
    /// errc::deadline_exceeded when nothing came in time, errc::connection_lost.
    [[nodiscard]] virtual boost::asio::awaitable<result<std::string_view>> read() = 0;
    /// What was after the chunks, as header lines; once read() has returned the end.
    [[nodiscard]] virtual std::string_view trailers() const noexcept = 0;

    /// An interim answer (1xx but 101); nothing is sent to HTTP/1.0.
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> interim(unsigned status, std::string_view lines) = 0;
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> begin(streamed_head head) = 0;
    /// A piece of the body, not copied. For HEAD it is dropped. Returns when no more than about 256 KiB wait for the
    /// client; fails when it takes nothing for the time of limits::write.
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> write(shared_bytes piece) = 0;
    /// The body is complete. Trailers go out where the body is chunked.
    [[nodiscard]] virtual boost::asio::awaitable<result<void>> end(std::string_view trailers) = 0;
    /// The answer can't be completed: cuts the connection, so that the client sees that it is truncated.
    virtual void cut() noexcept = 0;
    [[nodiscard]] virtual bool begun() const noexcept = 0;
    /// The client has closed the connection or its own side of it, or reset it: an answer would hardly reach it. Costs
    /// a system call.
    [[nodiscard]] virtual bool abandoned() const noexcept = 0;

    /// A whole answer, instead of begin(), write() and end().
    virtual void answer(response whole) = 0;
    virtual void answer(prepared whole) = 0;

protected:
    ~exchange() = default;
};

/// An answer at once, or a coroutine that gives it through the exchange.
using streamed_reply = std::variant<response, prepared, boost::asio::awaitable<void>>;
/// Called when the head of a request is there; its target is in origin form (`OPTIONS *` keeps its asterisk).
/// A body that the handler did not read is read and dropped after its answer, up to a bound; beyond it the connection
/// ends.
using stream_handler = std::function<streamed_reply(request&, exchange&)>;

}  // namespace shoal::http
