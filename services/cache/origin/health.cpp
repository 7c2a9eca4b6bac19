#include "services/cache/origin/health.hpp"

#include <algorithm>

namespace shoal::cache::origin {

void health::begin_probe(boot_time now) noexcept
{
    pause_ = std::min(2 * pause_, bounds_.most_pause);
    until_ = now + pause_;
}

void health::answered() noexcept
{
    if (!out_ || bounds_.checked) return;
    out_ = false;
    failures_ = 0;
}

void health::succeeded() noexcept
{
    if (!out_ || !bounds_.checked) passed();
}

void health::passed() noexcept
{
    out_ = false;
    failures_ = 0;
    pause_ = bounds_.least_pause;
}

void health::failed(boot_time now) noexcept
{
    last_failure_ = now;
    if (out_ || ++failures_ < bounds_.failures) return;
    out_ = true;
    until_ = now + pause_;
}

std::optional<std::size_t> choose(std::span<const candidate> servers, std::size_t rotation, boot_time now) noexcept
{
    std::optional<std::size_t> full;
    std::optional<std::size_t> free;
    std::optional<std::size_t> failing;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const auto at = (rotation + i) % servers.size();
        const auto& one = servers[at];
        if (one.tried) continue;
        if (one.state->due(now) && !one.full) return at;
        if (one.state->healthy()) {
            auto& found = one.full ? full : free;
            if (!found) found = at;
        } else if (!failing || one.state->last_failure() < servers[*failing].state->last_failure()) {
            failing = at;
        }
    }
    if (free) return free;
    return full ? full : failing;
}

}  // namespace shoal::cache::origin
