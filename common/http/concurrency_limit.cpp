#include "common/http/concurrency_limit.hpp"

#include <bit>
#include <cmath>
#include <utility>

namespace shoal::http {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr auto least_window = 100ms;
constexpr std::uint32_t least_samples = 10;
/// The wait may be that many times what it is with less to do.
constexpr double tolerance = 2.0;
/// The limit shrinks to no less than this part of itself in one window.
constexpr double steepest = 0.5;
/// What was learned is forgotten after two of these: what is waited for may have become slower for good.
constexpr auto period = 10s;
/// So long without an answer, a limit says nothing any more.
constexpr auto stuck = 1s;
/// Part of `least` that is let in while the queue is to be gone.
constexpr std::size_t probe_part = 4;

std::size_t slot_of(std::uint64_t wait, std::size_t slots) noexcept
{
    if (wait < 4) return static_cast<std::size_t>(wait);
    const auto shift = static_cast<std::size_t>(std::bit_width(wait)) - 3;
    return std::min(4 * shift + static_cast<std::size_t>(wait >> shift), slots - 1);
}

/// The least that is counted in the slot.
microseconds wait_of(std::size_t slot) noexcept
{
    if (slot < 4) return microseconds{slot};
    return microseconds{(4 + slot % 4) << (slot / 4 - 1)};
}

}  // namespace

void fastest_tenth::add(std::chrono::nanoseconds wait) noexcept
{
    const auto rounded = std::chrono::duration_cast<microseconds>(std::max(wait, 0ns)).count();
    ++waits_[slot_of(static_cast<std::uint64_t>(rounded), waits_.size())];
    ++count_;
}

microseconds fastest_tenth::value() const noexcept
{
    std::uint32_t below = 0;
    std::size_t slot = 0;
    while (slot + 1 < waits_.size() && (below += waits_[slot]) * 10 < count_) ++slot;
    return wait_of(slot);
}

concurrency_limit::concurrency_limit(concurrency_bounds within) noexcept
    : within_{std::min(within.least, within.most), within.most}, limit_{within.most}
{
}

bool concurrency_limit::enter(boot_time now) noexcept
{
    if (waiting_ >= limit_ && now - left_ > stuck) {
        // Whoever waits tells nothing until it leaves: more of them are let in meanwhile.
        limit_ = std::min(waiting_ + within_.least, within_.most);
        probing_ = false;
        left_ = now;
    }
    if (waiting_ >= limit_) {
        seen_.refused = true;
        return false;
    }
    if (waiting_ == 0) left_ = now;
    ++waiting_;
    seen_.peak = std::max(seen_.peak, waiting_);
    return true;
}

void concurrency_limit::leave(boot_time now, std::chrono::nanoseconds waited) noexcept
{
    --waiting_;
    left_ = now;
    // The queue of before the probe is not what it asks about.
    const bool queue_is_left = probing_ && seen_.waits.count() == 0 && waiting_ >= limit_;
    if (queue_is_left) return;
    if (seen_.waits.count() == 0) seen_.began = now;
    seen_.waits.add(waited);
    if (seen_.waits.count() >= least_samples && now - seen_.began >= least_window) look(now);
}

void concurrency_limit::look(boot_time now) noexcept
{
    const auto wait = std::max(seen_.waits.value(), microseconds{1});
    const bool was_crowded = seen_.peak > within_.least;
    learn(now, wait);
    seen_ = {.began = now, .waits = {}, .peak = waiting_};
    if (probing_) return;
    const auto shortest = static_cast<double>(std::min(before_, recent_).count());
    const double gradient = std::clamp(tolerance * shortest / static_cast<double>(wait.count()), steepest, 1.0);
    if (gradient < 1.0 && !was_crowded) return;
    const auto size = static_cast<double>(limit_);
    limit_ = std::clamp(static_cast<std::size_t>(size * gradient + std::sqrt(size)), within_.least, within_.most);
}

void concurrency_limit::learn(boot_time now, microseconds wait) noexcept
{
    if (std::exchange(probing_, false)) {
        before_ = recent_ = wait;
        limit_ = limit_before_probe_;
        period_began_ = now;
        return;
    }
    recent_ = std::min(recent_, wait);
    if (now - period_began_ < period) return;
    period_began_ = now;
    // Where requests are refused, every wait has a queue in it.
    if (seen_.refused) return begin_probe();
    before_ = std::exchange(recent_, wait);
}

void concurrency_limit::begin_probe() noexcept
{
    probing_ = true;
    limit_before_probe_ = limit_;
    limit_ = std::max<std::size_t>(within_.least / probe_part, 1);
}

}  // namespace shoal::http
