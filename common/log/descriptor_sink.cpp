#include "common/log/descriptor_sink.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <utility>

namespace shoal::log {
namespace {

/// Our own open file description of the same pipe or terminal: O_NONBLOCK on the descriptor that was given
/// would be seen by everybody who shares it. -1 when the kernel does not allow it.
int reopened(int descriptor, mode_t mode) noexcept
{
    const bool writable = (fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY;
    if (!writable || (!S_ISFIFO(mode) && !S_ISCHR(mode))) return -1;
    const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
    return open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/// At most PIPE_BUF bytes, which a pipe takes at once or not at all, and whole lines where they fit.
std::string_view first_piece(std::string_view bytes) noexcept
{
    if (bytes.size() <= PIPE_BUF) return bytes;
    const auto last_feed = bytes.rfind('\n', PIPE_BUF - 1);
    return bytes.substr(0, last_feed == std::string_view::npos ? PIPE_BUF : last_feed + 1);
}

}  // namespace

descriptor_sink::descriptor_sink(int descriptor, std::size_t limit, std::function<std::string(std::uint64_t)> lost_line)
    : descriptor_{descriptor}, limit_{limit}, lost_line_{std::move(lost_line)}
{
    struct stat what {};
    if (fstat(descriptor, &what) != 0) return;
    socket_ = S_ISSOCK(what.st_mode);
    own_ = reopened(descriptor, what.st_mode);
}

descriptor_sink::~descriptor_sink()
{
    if (own_ >= 0) close(own_);
}

void descriptor_sink::sink_it_(const spdlog::details::log_msg& message)
{
    const std::string_view line{message.payload.data(), message.payload.size()};
    if (!keep(line)) {
        drain();
        if (!keep(line)) {
            ++missing_;
            ++dropped_;
            return;
        }
    }
    drain();
}

void descriptor_sink::flush_()
{
    drain();
    if (missing_ > 0 && waiting_.empty()) {
        (void)keep({});
        drain();
    }
}

bool descriptor_sink::keep(std::string_view line)
{
    if (waiting_.size() + line.size() >= limit_) return false;
    std::string notice;
    if (missing_ > 0) notice = lost_line_(missing_) + '\n';
    const std::size_t needed = notice.size() + (line.empty() ? 0 : line.size() + 1);
    if (waiting_.size() + needed > limit_) return false;
    waiting_ += notice;
    missing_ = 0;
    if (!line.empty()) {
        waiting_ += line;
        waiting_ += '\n';
    }
    return true;
}

void descriptor_sink::drain()
{
    std::string_view left = waiting_;
    while (!left.empty()) {
        const std::size_t written = write_some(first_piece(left));
        if (written == 0) break;
        left.remove_prefix(written);
    }
    waiting_.erase(0, waiting_.size() - left.size());
}

std::size_t descriptor_sink::write_some(std::string_view bytes) const noexcept
{
    if (socket_) {
        const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }
    const int target = own_ >= 0 ? own_ : descriptor_;
    // A pipe without a reader is writable and in error: writing there would raise SIGPIPE.
    pollfd state{.fd = target, .events = POLLOUT, .revents = 0};
    if (poll(&state, 1, 0) != 1 || state.revents != POLLOUT) return 0;
    const ssize_t written = ::write(target, bytes.data(), bytes.size());
    return written > 0 ? static_cast<std::size_t>(written) : 0;
}

}  // namespace shoal::log
