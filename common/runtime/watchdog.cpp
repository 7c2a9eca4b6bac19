#include "common/runtime/watchdog.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

namespace shoal::runtime {
namespace {

constexpr int ticks_to_abort = 5;
volatile std::sig_atomic_t missed_ticks = 0;

extern "C" void on_tick(int)
{
    missed_ticks = missed_ticks + 1;
    if (missed_ticks <= ticks_to_abort) return;
    // Only what is safe in a signal handler, and a log that nobody reads must not keep a stuck process alive.
    constexpr char line[] = "{\"level\":\"error\",\"msg\":\"the loop has not turned for too long; aborting\"}\n";
    pollfd out{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&out, 1, 0) == 1) {
        [[maybe_unused]] const auto written = write(STDERR_FILENO, line, sizeof line - 1);
    }
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}

/// A tick of zero stops the timer. False with errno when the kernel refuses.
bool set_timer(std::chrono::microseconds tick) noexcept
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(tick);
    const timeval every{.tv_sec = seconds.count(), .tv_usec = (tick - seconds).count()};
    const itimerval timer{.it_interval = every, .it_value = every};
    return setitimer(ITIMER_REAL, &timer, nullptr) == 0;
}

}  // namespace

watchdog::watchdog(std::chrono::milliseconds limit)
{
    turned();
    struct sigaction action {};
    action.sa_handler = on_tick;
    action.sa_flags = SA_RESTART;
    if (sigaction(SIGALRM, &action, nullptr) != 0) throw std::system_error(errno, std::generic_category(), "sigaction");
    if (!set_timer(std::chrono::microseconds{limit} / ticks_to_abort))
        throw std::system_error(errno, std::generic_category(), "setitimer");
}

watchdog::~watchdog()
{
    set_timer(std::chrono::microseconds{0});
    std::signal(SIGALRM, SIG_DFL);
}

void watchdog::turned() noexcept
{
    missed_ticks = 0;
}

}  // namespace shoal::runtime
