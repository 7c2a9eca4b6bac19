#include "services/limiter/gcra.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace shoal::limiter {
namespace {

__extension__ using wide = __int128;

/// Far beyond every bound: of a cost that a newer, slower rule never grants.
constexpr wide never_us = INT64_MAX / 4;

/// ceil(cells·T), for any sign of `cells`.
std::int64_t time_of(const rate& by, std::int64_t cells) noexcept
{
    const wide product = static_cast<wide>(cells) * by.period_us;
    const wide quotient = product / by.limit;
    return static_cast<std::int64_t>(std::min(product % by.limit > 0 ? quotient + 1 : quotient, never_us));
}

/// floor(time / T), for any sign of `time_us`.
std::int64_t cells_in(const rate& by, std::int64_t time_us) noexcept
{
    const wide product = static_cast<wide>(time_us) * by.limit;
    const wide quotient = product / by.period_us;
    return static_cast<std::int64_t>(product % by.period_us < 0 ? quotient - 1 : quotient);
}

/// TAT <= now + burst·T once `cells` are taken.
bool within(const rate& by, const cell& of, std::int64_t cells, std::int64_t now_us) noexcept
{
    return time_of(by, cells - by.burst) <= now_us - of.base_us;
}

}  // namespace

rate make_rate(std::int64_t limit, std::int64_t period_us, std::int64_t burst) noexcept
{
    const std::int64_t divisor = std::gcd(limit, period_us);
    return {.period_us = period_us / divisor, .limit = limit / divisor, .burst = burst};
}

cell settle(const rate& by, const std::optional<cell>& stored, std::int64_t now_us) noexcept
{
    if (!stored || time_of(by, stored->taken) <= now_us - stored->base_us) return {.base_us = now_us, .taken = 0};
    if (!within(by, *stored, stored->taken, now_us)) return {.base_us = now_us, .taken = by.burst};
    // limit·T is the period exactly, so moving whole periods into the base changes nothing and keeps `taken` small.
    const std::int64_t periods = stored->taken / by.limit;
    return {.base_us = stored->base_us + periods * by.period_us, .taken = stored->taken - periods * by.limit};
}

decision take(const rate& by, const std::optional<cell>& stored, std::int64_t cost, std::int64_t now_us) noexcept
{
    const cell now = settle(by, stored, now_us);
    const bool cut = stored && !within(by, *stored, stored->taken, now_us);
    if (!within(by, now, now.taken + cost, now_us)) return {.granted = false, .after = now, .changed = cut};
    return {.granted = true, .after = {.base_us = now.base_us, .taken = now.taken + cost}, .changed = cut || cost > 0};
}

cell convert(const cell& stored, const rate& from, const rate& to, std::int64_t now_us) noexcept
{
    // More than its burst is owed only after the clock stepped back.
    const std::int64_t owed_us =
        std::min(stored.base_us + time_of(from, stored.taken) - now_us, time_of(from, from.burst));
    if (owed_us <= 0) return {.base_us = now_us, .taken = 0};
    const std::int64_t cells = cells_in(from, owed_us);
    // The most that can be owed; also keeps cells·T of a much slower rate from overflowing.
    if (cells >= to.burst) return {.base_us = now_us, .taken = to.burst};
    const std::int64_t rest_us = std::max<std::int64_t>(0, owed_us - time_of(from, cells));
    // The same doubles in the same order as in take.lua: both round up, to the same microsecond.
    const double scale = static_cast<double>(to.period_us) / static_cast<double>(to.limit) *
                         static_cast<double>(from.limit) / static_cast<double>(from.period_us);
    return {.base_us = now_us + static_cast<std::int64_t>(std::ceil(static_cast<double>(rest_us) * scale)),
            .taken = cells};
}

standing standing_of(const rate& by, const cell& settled, std::int64_t cost, std::int64_t now_us) noexcept
{
    const std::int64_t elapsed_us = now_us - settled.base_us;
    const std::int64_t free = by.burst - settled.taken + cells_in(by, elapsed_us);
    return {.remaining = std::clamp<std::int64_t>(free, 0, by.burst),
            .reset_us = std::max<std::int64_t>(0, time_of(by, settled.taken) - elapsed_us),
            .retry_after_us = std::max<std::int64_t>(0, time_of(by, settled.taken + cost - by.burst) - elapsed_us)};
}

}  // namespace shoal::limiter
