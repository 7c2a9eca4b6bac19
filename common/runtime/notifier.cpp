#include "common/runtime/notifier.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace shoal::runtime {
namespace {

std::string_view variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

/// Zero for what is no number.
std::int64_t number(std::string_view text)
{
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

/// Of a kind, and of a length, that the address of a unix socket may have.
bool is_address(std::string_view socket)
{
    return (socket.starts_with('/') || socket.starts_with('@')) && socket.size() < sizeof(sockaddr_un::sun_path);
}

/// As the kernel has it: a name without a file begins with NUL.
std::string kernels(std::string socket)
{
    if (socket.starts_with('@')) socket.front() = '\0';
    return socket;
}

}  // namespace

notifier::settings notifier::from_environment()
{
    const auto socket = variable("NOTIFY_SOCKET");
    if (!is_address(socket)) return {};
    settings asked{.socket = std::string{socket}};
    const auto process = variable("WATCHDOG_PID");
    if (process.empty() || number(process) == getpid())
        asked.patience = std::chrono::microseconds{std::max<std::int64_t>(0, number(variable("WATCHDOG_USEC")))};
    return asked;
}

notifier::notifier(const settings& asked) : manager_{kernels(asked.socket)}, patience_{asked.patience}
{
    if (asked.socket.empty()) return;
    descriptor_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "a socket for NOTIFY_SOCKET");
}

notifier::~notifier()
{
    if (descriptor_ >= 0) close(descriptor_);
}

void notifier::ready() noexcept
{
    say("READY=1");
}

void notifier::stopping() noexcept
{
    say("STOPPING=1");
}

void notifier::turned(boot_time now) noexcept
{
    if (descriptor_ < 0) return;
    if (!unsent_.empty()) say(unsent_);
    if (patience_.count() > 0 && now >= next_ && send("WATCHDOG=1")) next_ = now + patience_ / 2;
}

void notifier::say(std::string_view state) noexcept
{
    unsent_ = send(state) ? std::string_view{} : state;
}

bool notifier::send(std::string_view text) const noexcept
{
    if (descriptor_ < 0) return true;
    const auto sent = sendto(descriptor_, text.data(), text.size(), MSG_NOSIGNAL, manager_.data(),
                             static_cast<socklen_t>(manager_.size()));
    return sent == static_cast<ssize_t>(text.size());
}

}  // namespace shoal::runtime
