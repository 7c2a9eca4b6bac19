#include "services/cache/origin/ares_loop.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <sys/socket.h>
#include <sys/time.h>

namespace shoal::cache::origin {
namespace {

namespace asio = boost::asio;
using wait_type = asio::posix::descriptor_base::wait_type;

/// For each try of a server; c-ares doubles it.
constexpr int try_milliseconds = 1'000;
constexpr int tries = 2;

}  // namespace

struct ares_loop::watched {
    watched(asio::io_context& loop, int descriptor) : socket{loop, descriptor} {}

    asio::posix::stream_descriptor socket;
    /// Of reading and writing: what c-ares wants, and whether it is waited for.
    std::array<bool, 2> wanted{};
    std::array<bool, 2> awaited{};
};

ares_loop::ares_loop(asio::io_context& loop, const std::string& servers) : loop_{loop}, timer_{loop}
{
    ares_library_init(ARES_LIB_INIT_ALL);
    ares_options options{};
    std::array<char, 3> lookups{"fb"};
    options.lookups = lookups.data();
    options.timeout = try_milliseconds;
    options.tries = tries;
    options.sock_state_cb = [](void* self, ares_socket_t descriptor, int readable, int writable) {
        static_cast<ares_loop*>(self)->state_changed(descriptor, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    const int chosen = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&channel_, &options, chosen) != ARES_SUCCESS) channel_ = nullptr;
    if (channel_ != nullptr && !servers.empty() &&
        ares_set_servers_ports_csv(channel_, servers.c_str()) != ARES_SUCCESS)
        ares_destroy(std::exchange(channel_, nullptr));
}

ares_loop::~ares_loop()
{
    close();
    ares_library_cleanup();
}

void ares_loop::close()
{
    timer_.cancel();
    // Answers all with ARES_EDESTRUCTION and closes its sockets.
    if (const auto channel = std::exchange(channel_, nullptr); channel != nullptr) ares_destroy(channel);
}

void ares_loop::ask(const std::string& name, answer_function answer)
{
    if (channel_ == nullptr) return answer(nullptr);
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    auto waiting = std::make_unique<answer_function>(std::move(answer));
    ares_getaddrinfo(
        channel_, name.c_str(), nullptr, &hints,
        [](void* data, int status, int, ares_addrinfo* found) {
            const std::unique_ptr<answer_function> to{static_cast<answer_function*>(data)};
            (*to)(status == ARES_SUCCESS ? found : nullptr);
            if (found != nullptr) ares_freeaddrinfo(found);
        },
        waiting.release());
    arm_timer();
}

void ares_loop::state_changed(int descriptor, bool readable, bool writable)
{
    const auto at = watched_.find(descriptor);
    if (!readable && !writable) {
        if (at == watched_.end()) return;
        // c-ares closes it itself, right after this.
        at->second->wanted = {};
        at->second->socket.release();
        watched_.erase(at);
        return;
    }
    const auto on =
        at != watched_.end() ? at->second : (watched_[descriptor] = std::make_shared<watched>(loop_, descriptor));
    on->wanted = {readable, writable};
    await(on, wait_type::wait_read);
    await(on, wait_type::wait_write);
}

void ares_loop::await(const watched_ptr& on, wait_type what)
{
    const std::size_t index = what == wait_type::wait_read ? 0 : 1;
    if (!on->wanted[index] || on->awaited[index]) return;
    on->awaited[index] = true;
    on->socket.async_wait(what, [here = weak_from_this(), on, what, index](const boost::system::error_code& error) {
        on->awaited[index] = false;
        const auto self = here.lock();
        if (error || !self || !on->wanted[index]) return;
        const int descriptor = on->socket.native_handle();
        self->process(index == 0 ? descriptor : ARES_SOCKET_BAD, index == 1 ? descriptor : ARES_SOCKET_BAD);
        self->await(on, what);
    });
}

void ares_loop::process(ares_socket_t readable, ares_socket_t writable)
{
    if (channel_ == nullptr) return;
    ares_process_fd(channel_, readable, writable);
    arm_timer();
}

void ares_loop::arm_timer()
{
    timeval left{};
    if (channel_ == nullptr || ares_timeout(channel_, nullptr, &left) == nullptr) {
        timer_.cancel();
        return;
    }
    timer_.expires_after(std::chrono::seconds{left.tv_sec} + std::chrono::microseconds{left.tv_usec});
    timer_.async_wait([here = weak_from_this()](const boost::system::error_code& error) {
        if (const auto self = here.lock(); self && !error) self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    });
}

}  // namespace shoal::cache::origin
