#include "tests/load/edge/progress.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace shoal::load {
namespace {

using namespace std::chrono_literals;

bool is_live()
{
    const char* const terminal = std::getenv("TERM");
    return isatty(STDERR_FILENO) != 0 && terminal != nullptr && std::string_view{terminal} != "dumb";
}

std::size_t columns()
{
    winsize size{};
    // A terminal that does not know its size says 0.
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80U;
}

}  // namespace

progress::progress(bool quiet) : quiet_{quiet}, live_{is_live()} {}

progress::~progress()
{
    clear();
}

bool progress::due(std::chrono::nanoseconds now) const noexcept
{
    return !quiet_ && now - last_ >= (live_ ? 250ms : 5s);
}

void progress::show(std::chrono::nanoseconds now, std::string_view line)
{
    last_ = now;
    if (!live_) return say(line);
    fmt::print(stderr, "\r\x1b[K{}", line.substr(0, columns() - 1));
    std::fflush(stderr);
    open_ = true;
}

void progress::say(std::string_view line)
{
    clear();
    if (!quiet_) fmt::print(stderr, "loadtest: {}\n", line);
}

void progress::clear()
{
    if (open_) fmt::print(stderr, "\r\x1b[K");
    open_ = false;
}

}  // namespace shoal::load
