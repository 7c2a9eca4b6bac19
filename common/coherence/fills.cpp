#include "common/coherence/fills.hpp"

#include <algorithm>

namespace shoal::coherence {

std::optional<fill_ticket> join_fill(const coherence_view& log, boot_time now, boot_time began,
                                     std::optional<boot_time> sent) noexcept
{
    if (!sent || *sent >= began) return fill_ticket{};
    if (log.current(now)) return fill_ticket{log.position()};
    return std::nullopt;
}

standing follow_fill(const coherence_view& log, const stamp& fill, const fill_ticket& holder,
                     std::span<const tag> tags) noexcept
{
    if (!holder.joined) return standing::current;
    if (holder.joined->epoch == fill.epoch && holder.joined->sequence <= fill.sequence) return standing::current;
    return log.judge(fill, tags);
}

bool may_validate(const coherence_view& log, boot_time now, standing of, bool strong_validator) noexcept
{
    return strong_validator || (of != standing::purged && log.current(now));
}

bool may_serve_stale(const coherence_view& log, boot_time now, standing of) noexcept
{
    return of != standing::purged && log.current(now);
}

stamp of_pieces(const stamp& one, const stamp& other) noexcept
{
    if (one.epoch != other.epoch) return {};
    return {one.epoch, std::min(one.sequence, other.sequence)};
}

}  // namespace shoal::coherence
