#include "common/http/concurrency_limit.hpp"

#include <cmath>
#include <utility>

namespace shoal::http {
namespace {

using namespace std::chrono_literals;

constexpr auto least_window = 100ms;
constexpr std::int64_t least_samples = 10;
/// The wait may be that many times what it is with less to do.
constexpr double tolerance = 2.0;
/// The limit shrinks to no less than this part of itself in one window.
constexpr double steepest = 0.5;
/// What was learned is forgotten after two of these: what is waited for may have become slower for good.
constexpr auto period = 30s;
/// Part of `least` that is let in while the queue is to be gone.
constexpr std::size_t probe_part = 4;

double in_seconds(std::chrono::nanoseconds time) noexcept
{
    return std::chrono::duration<double>{time}.count();
}

}  // namespace

concurrency_limit::concurrency_limit(concurrency_bounds within) noexcept
    : within_{std::min(within.least, within.most), within.most}, limit_{within.most}
{
}

bool concurrency_limit::enter() noexcept
{
    if (waiting_ >= limit_) {
        refused_ = true;
        return false;
    }
    ++waiting_;
    seen_.peak = std::max(seen_.peak, waiting_);
    return true;
}

void concurrency_limit::leave(boot_time now, nanoseconds waited) noexcept
{
    --waiting_;
    // The queue of before the probe is not what it asks about.
    const bool queue_is_left = probing_ && seen_.count == 0 && waiting_ >= limit_;
    if (queue_is_left) return;
    if (seen_.count++ == 0) seen_.began = now;
    seen_.sum += waited;
    if (seen_.count >= least_samples && now - seen_.began >= least_window) look(now);
}

void concurrency_limit::look(boot_time now) noexcept
{
    const auto mean = seen_.sum / seen_.count;
    const bool was_used = 2 * seen_.peak >= limit_;
    seen_ = {.began = now, .peak = waiting_};
    learn(now, mean);
    if (probing_) return;
    const double gradient =
        std::clamp(tolerance * in_seconds(baseline()) / std::max(in_seconds(mean), 1e-9), steepest, 1.0);
    // A slow kind of request among few is no queue.
    if (gradient < 1.0 && !was_used) return;
    const auto size = static_cast<double>(limit_);
    limit_ = std::clamp(static_cast<std::size_t>(size * gradient + std::sqrt(size)), within_.least, within_.most);
}

void concurrency_limit::learn(boot_time now, nanoseconds mean) noexcept
{
    if (std::exchange(probing_, false)) {
        before_ = recent_ = mean;
        limit_ = limit_before_probe_;
        period_began_ = now;
        refused_ = false;
        return;
    }
    recent_ = std::min(recent_, mean);
    if (now - period_began_ < period) return;
    period_began_ = now;
    // While requests are refused, every wait has a queue in it.
    if (refused_ && before_ != nanoseconds::max()) return begin_probe();
    before_ = std::exchange(recent_, nanoseconds::max());
    refused_ = false;
}

void concurrency_limit::begin_probe() noexcept
{
    probing_ = true;
    limit_before_probe_ = limit_;
    limit_ = std::max<std::size_t>(within_.least / probe_part, 1);
}

}  // namespace shoal::http
