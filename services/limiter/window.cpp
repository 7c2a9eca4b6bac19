#include "services/limiter/window.hpp"

#include <algorithm>

namespace shoal::limiter {

counter settle(const std::optional<counter>& stored, const counter& fresh, std::int64_t now_us) noexcept
{
    if (!stored || stored->in.end_us <= now_us) return fresh;
    const bool is_next = stored->in.begin_us == fresh.in.end_us;
    const bool running = stored->in.begin_us <= now_us;
    counter made = *stored;
    if (running || is_next) {
        if (stored->version > fresh.version) return made;
        made.limit = fresh.limit;
        made.version = fresh.version;
        if (stored->version == fresh.version || is_next) return made;
        // A newer rule: its window counts on from the same begin, another one begins at nothing.
        if (stored->in.begin_us != fresh.in.begin_us) return fresh;
        made.in = fresh.in;
        return made;
    }
    made = fresh;
    made.taken = std::min(stored->taken, fresh.limit);
    return made;
}

bool take(counter& from, std::int64_t cost) noexcept
{
    if (cost > from.limit - from.taken) return cost == 0;
    from.taken += cost;
    return true;
}

std::int64_t refund(counter& to, std::int64_t cost) noexcept
{
    const auto given = std::min(cost, to.taken);
    to.taken -= given;
    return given;
}

standing standing_of(const counter& settled, std::int64_t cost, std::int64_t now_us) noexcept
{
    const auto remaining = std::max<std::int64_t>(0, settled.limit - settled.taken);
    const auto left = settled.in.end_us - now_us;
    return {.remaining = remaining,
            .reset_us = settled.taken > 0 ? left : 0,
            .retry_after_us = cost > remaining ? left : 0};
}

}  // namespace shoal::limiter
