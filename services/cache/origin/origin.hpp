#pragma once
// The servers of one site: connections kept and bounded, addresses looked up, health watched.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/core/bytes.hpp"
#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "common/http/request.hpp"

namespace shoal::log {
class logger;
}
namespace shoal::metrics {
class registry;
}
namespace shoal::runtime {
class task_group;
}

namespace shoal::cache::origin {

struct limits {
    std::chrono::milliseconds connect{1'000};
    /// From the request's end to the end of the answer's head.
    std::chrono::milliseconds first_byte{30'000};
    /// Between two pieces of the body, and for the origin to take a piece of the request's.
    std::chrono::milliseconds between_bytes{30'000};
    /// Per server; as many again may wait, for at most `connect`.
    std::size_t connections = 64;
    std::chrono::milliseconds idle{30'000};
    /// Status line and headers of an answer, and its trailers.
    std::size_t head = 64 * 1024;
    std::size_t header_count = 200;
};

/// A path asked for at each interval; without one, health is what requests experience.
struct active_check {
    std::string path;
    std::string host;
    std::chrono::milliseconds interval{2'000};
    std::chrono::milliseconds timeout{1'000};
};

struct settings {
    std::string site;
    /// "unix:/run/app.sock", "127.0.0.1:8000", "app.internal:80", "[::1]:80".
    std::vector<std::string> servers;
    limits bounds;
    std::optional<active_check> check;
};

/// A body that is passed on as it comes: the next piece, empty at its end; valid until the next call.
using body_source = std::function<boost::asio::awaitable<result<std::string_view>>()>;

struct outgoing {
    /// Request line and header lines but for Connection, Content-Length, Transfer-Encoding and Expect, without the
    /// empty line.
    std::string head;
    bool head_method = false;
    /// May be sent again when the connection ended before a byte of the answer came (RFC 9110, 9.2.2). Without a body
    /// only.
    bool idempotent = false;
    /// The body, where there is one; chunked when its length is not known. Once the answer's head is there it is for
    /// answer::send_rest() to ask for more: an origin may answer before it has read everything.
    body_source body;
    std::optional<std::uint64_t> body_length;
    /// Called for each interim answer but 100 and 101, with its header lines, hop-by-hop ones left out.
    std::function<boost::asio::awaitable<void>(unsigned status, std::string_view lines)> on_interim;
};

/// An answer of the origin while it comes in; it may outlive the origin. Dropping it before its end closes the
/// connection. Not while read() runs.
class answer {
public:
    virtual ~answer() = default;

    [[nodiscard]] virtual unsigned status() const noexcept = 0;
    /// All fields as they came, hop-by-hop ones and framing too; views hold as long as this.
    [[nodiscard]] virtual const std::vector<http::header>& headers() const noexcept = 0;
    /// Of the body, where it is known: 0 for HEAD, 204 and 304.
    [[nodiscard]] virtual std::optional<std::uint64_t> length() const noexcept = 0;
    /// Next piece of the body, at most 64 KiB, with the chunked coding taken off; empty at its end. Pieces that follow
    /// each other in one owner are parts of one block: joined, they are one view. Fails with errc::origin_lost for a
    /// body that ends early, origin_timeout, origin_malformed.
    [[nodiscard]] virtual boost::asio::awaitable<result<shared_bytes>> read() = 0;
    /// The origin has not been sent all of the request's body, and may wait for it before it ends this answer.
    [[nodiscard]] virtual bool takes_rest() const noexcept = 0;
    /// Sends it, in a coroutine beside the one that reads; cancelled when that one has ended, and ended before this is
    /// dropped. When the body fails, read() fails.
    [[nodiscard]] virtual boost::asio::awaitable<void> send_rest() = 0;
    /// A piece is there already: read() would not wait.
    [[nodiscard]] virtual bool ready() const noexcept = 0;
    /// After the end: what came after the chunks, as header lines, each with its CR LF; without those of framing.
    [[nodiscard]] virtual std::string_view trailers() const noexcept = 0;
};

class origin {
public:
    /// The references live longer. Throws config::error for a server that can't be one.
    origin(boost::asio::io_context& loop, settings chosen, runtime::task_group& tasks, log::logger& log,
           metrics::registry& metrics);
    ~origin();
    origin(const origin&) = delete;
    origin& operator=(const origin&) = delete;

    /// Begins active checks.
    void start();
    /// Closes what is idle; what is in flight ends on its own.
    void stop();

    /// Sends a request to a server that is in good health, or to any where none is. Returns when the head of the final
    /// answer is there. Errors: origin_unreachable (not sent), origin_busy, origin_timeout, origin_lost,
    /// origin_malformed, and what `body` failed with. `deadline` is for the head, not for the body that follows.
    [[nodiscard]] boost::asio::awaitable<result<std::unique_ptr<answer>>> send(outgoing what,
                                                                               boot_time deadline = boot_time::max());

private:
    class impl;
    /// Shared with what is in flight.
    std::shared_ptr<impl> impl_;
};

}  // namespace shoal::cache::origin
