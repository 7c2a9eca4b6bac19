#pragma once
// A listening socket and its accept loop.

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace shoal::http {

class core;

class listener {
public:
    /// Bind and listen, not yet accept. Throw boost::system::system_error.
    [[nodiscard]] static std::shared_ptr<listener> on_unix(core& of, const std::string& path);
    [[nodiscard]] static std::shared_ptr<listener> on_tcp(core& of, const std::string& address, std::uint16_t port);

    listener(core& of, int descriptor, int family, std::uint16_t port = 0);
    ~listener();
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    [[nodiscard]] static boost::asio::awaitable<void> serve(std::shared_ptr<core> shared,
                                                            std::shared_ptr<listener> self);

    /// Accepts what the backlog holds, then closes; later, when there is no descriptor for one of them.
    void stop();
    void close();
    /// Zero on a unix socket.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    enum class outcome : std::uint8_t { empty, more, exhausted };

    [[nodiscard]] outcome accept_some();

    core& core_;
    boost::asio::posix::stream_descriptor descriptor_;
    boost::asio::steady_timer backoff_;
    int family_;
    std::uint16_t port_;
    bool stopping_ = false;
};

}  // namespace shoal::http
