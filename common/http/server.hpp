#pragma once
// An HTTP/1.1 server on unix sockets and TCP, with every resource bounded.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "common/http/concurrency_limit.hpp"
#include "common/http/exchange.hpp"
#include "common/http/router.hpp"

namespace shoal::log {
class logger;
}
namespace shoal::metrics {
class registry;
}
namespace shoal::runtime {
class task_group;
}

namespace shoal::http {

/// Sizes in bytes. What is over one gets 413, 414 or 431, what takes too long 408, and the connection is closed.
struct limits {
    std::size_t request_line = 8 * 1024;
    /// Request line and headers together. What the proxy lets through is a little more (haproxy/haproxy.cfg.in).
    std::size_t head = 14 * 1024;
    std::size_t header_count = 100;
    /// Of a streamed body, too; no more than a piece of it is in memory.
    std::size_t body = 64 * 1024;
    /// Open connections; one more is answered 503 with Retry-After and closed.
    std::size_t connections = 4096;
    /// Requests that wait for what is asked of others; what is answered at once does not count. One more is answered
    /// 503 with Retry-After. Empty: any number.
    std::optional<concurrency_bounds> concurrency{};
    /// Makes a server slow, for tests of overload: requests are begun one after the other, each so long after the one
    /// before it.
    std::chrono::microseconds service_time{0};
    /// From accept to the first byte of the first request.
    std::chrono::milliseconds first_byte{10'000};
    /// From the first byte to the end of the headers.
    std::chrono::milliseconds headers{5'000};
    /// From the end of the headers to the end of the body; of a streamed one, between two of its pieces.
    std::chrono::milliseconds whole_body{10'000};
    /// Between two requests of a connection. Longer than the proxy keeps a connection, or it meets closed ones.
    std::chrono::milliseconds idle{600'000};
    /// For a client to take an answer; a streamed one, for it to take any part of what waits.
    std::chrono::milliseconds write{10'000};
};

struct server_options {
    /// Value of X-Shoal-Worker.
    std::string worker;
    /// Label of the metrics, as "public" or "admin".
    std::string name;
    limits bounds;
    /// Answers that took longer are logged with where their time went; zero logs none.
    std::chrono::milliseconds slow{100};
};

/// Not thread safe. Destroy it only after the loop has run to its end.
class server {
public:
    /// The references live longer than the server.
    server(boost::asio::io_context& loop, server_options chosen, router routes, runtime::task_group& tasks,
           log::logger& log, metrics::registry& metrics);
    /// Every request, whatever its method and path, goes to the handler as soon as its head is there. TRACE is 405,
    /// CONNECT 501.
    server(boost::asio::io_context& loop, server_options chosen, stream_handler answers, runtime::task_group& tasks,
           log::logger& log, metrics::registry& metrics);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Binds and listens (backlog 4096, socket mode 0600) but accepts only after start(). The path must not
    /// exist. Throws boost::system::system_error.
    void listen_unix(const std::string& path);
    /// Numeric address; port 0 takes a free one. Returns the port.
    std::uint16_t listen_tcp(const std::string& address, std::uint16_t port);

    /// Accepts on what listens by now; may be called again after listening on more.
    void start();

    /// From now on every answer carries Connection: close; connections are still accepted.
    void begin_drain() noexcept;
    /// Accepts what the backlog still holds, then closes the listening sockets.
    void stop_listening();
    /// Closes connections on which nothing has been received or sent for `idle`; zero closes every idle one.
    void close_idle(std::chrono::milliseconds idle);
    /// Closes the listening sockets and cuts every connection, whatever it is doing. A handler that is
    /// suspended still ends on its own; its answer is dropped.
    void abort();

    [[nodiscard]] std::size_t connections() const noexcept;
    /// Requests whose answer has not been handed to the kernel.
    [[nodiscard]] std::size_t in_flight() const noexcept;
    /// When the last request arrived, or the server was started.
    [[nodiscard]] boot_time last_request() const noexcept;

    void set_slow(std::chrono::milliseconds threshold) noexcept;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::http
