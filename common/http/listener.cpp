#include "common/http/listener.hpp"

#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/http/core.hpp"
#include "common/log/log.hpp"

namespace shoal::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// HAProxy answers 503 at once when the backlog is full.
constexpr int backlog = 4096;
constexpr int most_at_once = 64;
constexpr auto backoff_time = 50ms;

[[noreturn]] void fail(const char* what)
{
    throw boost::system::system_error{errno, boost::system::system_category(), what};
}

/// A descriptor until somebody takes it.
class owned_descriptor {
public:
    explicit owned_descriptor(int value) : value_{value}
    {
        if (value_ < 0) fail("socket");
    }
    ~owned_descriptor()
    {
        if (value_ >= 0) ::close(value_);
    }
    owned_descriptor(const owned_descriptor&) = delete;
    owned_descriptor& operator=(const owned_descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return value_; }
    [[nodiscard]] int release() noexcept { return std::exchange(value_, -1); }

private:
    int value_;
};

owned_descriptor open_socket(int family)
{
    return owned_descriptor{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

void set_option(const owned_descriptor& socket, int level, int name)
{
    const int on = 1;
    if (::setsockopt(socket.get(), level, name, &on, sizeof on) != 0) fail("setsockopt");
}

template <class Endpoint>
void bind_and_listen(const owned_descriptor& socket, const Endpoint& where)
{
    if (::bind(socket.get(), where.data(), static_cast<socklen_t>(where.size())) != 0) fail("bind");
    if (::listen(socket.get(), backlog) != 0) fail("listen");
}

std::uint16_t local_port(const owned_descriptor& socket)
{
    asio::ip::tcp::endpoint where;
    auto size = static_cast<socklen_t>(where.capacity());
    if (::getsockname(socket.get(), where.data(), &size) != 0) fail("getsockname");
    where.resize(size);
    return where.port();
}

}  // namespace

std::shared_ptr<listener> listener::on_unix(core& of, const std::string& path)
{
    const asio::local::stream_protocol::endpoint where{path};
    auto socket = open_socket(AF_UNIX);
    // bind() gives the file the socket's own mode, so there is no moment at which it is wider.
    if (::fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0) fail("fchmod");
    bind_and_listen(socket, where);
    return std::make_shared<listener>(of, socket.release(), AF_UNIX);
}

std::shared_ptr<listener> listener::on_tcp(core& of, const std::string& address, std::uint16_t port)
{
    const asio::ip::tcp::endpoint where{asio::ip::make_address(address), port};
    const int family = where.protocol().family();
    auto socket = open_socket(family);
    set_option(socket, SOL_SOCKET, SO_REUSEADDR);
    // Accepted sockets inherit it.
    set_option(socket, IPPROTO_TCP, TCP_NODELAY);
    bind_and_listen(socket, where);
    const auto bound = local_port(socket);
    return std::make_shared<listener>(of, socket.release(), family, bound);
}

listener::listener(core& of, int descriptor, int family, std::uint16_t port)
    : core_{of}, descriptor_{of.loop, descriptor}, backoff_{of.loop}, family_{family}, port_{port}
{
    ++core_.listening;
}

listener::~listener()
{
    if (descriptor_.is_open()) --core_.listening;
}

asio::awaitable<void> listener::serve(std::shared_ptr<core> shared, std::shared_ptr<listener> self)
{
    while (self->descriptor_.is_open()) {
        switch (self->accept_some()) {
        case outcome::empty:
            if (self->stopping_)
                self->close();
            else
                co_await self->descriptor_.async_wait(asio::posix::descriptor_base::wait_read, as_result);
            break;
        case outcome::more: co_await asio::post(shared->loop, asio::use_awaitable); break;
        case outcome::exhausted:
            self->backoff_.expires_after(backoff_time);
            co_await self->backoff_.async_wait(as_result);
            break;
        }
    }
}

listener::outcome listener::accept_some()
{
    for (int i = 0; i < most_at_once; ++i) {
        const int accepted = ::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            core_.adopt(accepted, family_);
            continue;
        }
        const int error = errno;
        if (error == EAGAIN || error == EWOULDBLOCK) return outcome::empty;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
            core_.metrics.rejected("descriptors");
            return outcome::exhausted;
        }
        // Anything else concerns the one connection (accept(2)).
    }
    return outcome::more;
}

void listener::stop()
{
    stopping_ = true;
    auto result = outcome::more;
    while (descriptor_.is_open() && result == outcome::more) result = accept_some();
    if (result == outcome::empty) close();
}

void listener::close()
{
    if (!descriptor_.is_open()) return;
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    backoff_.cancel();
    --core_.listening;
    core_.stop_sweeping_when_done();
}

}  // namespace shoal::http
