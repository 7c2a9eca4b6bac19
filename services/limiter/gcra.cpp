#include "services/limiter/gcra.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace shoal::limiter {
namespace {

__extension__ using wide = __int128;

constexpr std::int64_t longest_lease_us = 50'000;

/// Far beyond every bound: of a cost that a newer, slower rule never grants.
constexpr wide never_us = INT64_MAX / 4;

/// floor(a·b / c) for c > 0 and any signs of a and b.
std::int64_t scale_down(std::int64_t a, std::int64_t b, std::int64_t c) noexcept
{
    std::int64_t narrow = 0;
    if (!__builtin_mul_overflow(a, b, &narrow)) return narrow / c - (narrow % c < 0 ? 1 : 0);
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::int64_t>(std::clamp(product / c - (product % c < 0 ? 1 : 0), -never_us, never_us));
}

/// ceil(cells·T), for any sign of `cells`.
std::int64_t time_of(const rate& by, std::int64_t cells) noexcept
{
    return -scale_down(-cells, by.period_us, by.limit);
}

/// floor(time / T), for any sign of `time_us`.
std::int64_t cells_in(const rate& by, std::int64_t time_us) noexcept
{
    return scale_down(time_us, by.limit, by.period_us);
}

/// TAT <= now + burst·T once `cells` are taken.
bool within(const rate& by, const cell& of, std::int64_t cells, std::int64_t now_us) noexcept
{
    return time_of(by, cells - by.burst) <= now_us - of.base_us;
}

/// TAT of `a` <= TAT of `b`
bool no_later(const rate& by, const cell& a, const cell& b) noexcept
{
    return time_of(by, a.taken - b.taken) <= b.base_us - a.base_us;
}

std::uint32_t generation_of(std::int64_t now_us) noexcept
{
    return static_cast<std::uint32_t>(now_us);
}

/// limit·T is the period exactly, so moving whole periods between base and count changes nothing.
void normalize(const rate& by, cell& of) noexcept
{
    std::int64_t periods = of.taken / by.limit;
    if (of.taken % by.limit < 0) --periods;
    of.base_us += periods * by.period_us;
    of.taken -= periods * by.limit;
}

void move_back(const rate& by, cell& of, std::int64_t cells) noexcept
{
    of.taken -= cells;
    of.returned += static_cast<std::uint32_t>(cells);
    if (of.taken < 0) normalize(by, of);
}

/// What may be given back when others have moved the cell since: only what lies beyond every lease of now.
std::int64_t beyond_leases(const rate& by, const cell& now, const settlement& of, std::int64_t now_us) noexcept
{
    const std::int64_t ahead = of.after.taken + cells_in(by, of.after.base_us - now_us - lease_span_us(by));
    return ahead - static_cast<std::int64_t>(now.returned - of.after.returned);
}

/// Returns the unspent cells that count again.
std::int64_t give_back(const rate& by, const cell& stored, cell& now, const settlement& of,
                       std::int64_t now_us) noexcept
{
    if (now.generation != of.after.generation) return 0;
    if (stored != of.after) {
        const std::int64_t cells = std::clamp<std::int64_t>(beyond_leases(by, now, of, now_us), 0, of.unspent);
        move_back(by, now, cells);
        return cells;
    }
    const cell alone = settled_alone(by, of, now_us);
    if (!no_later(by, alone, now)) return 0;
    const std::int64_t moved = now.taken - alone.taken - cells_in(by, alone.base_us - now.base_us);
    now.base_us = alone.base_us;
    now.taken = alone.taken;
    now.returned += static_cast<std::uint32_t>(moved);
    return of.unspent;
}

/// As many of the wanted cells as there are, charged at `floor_us`; 0 when that is no more than the cost.
std::int64_t take_many(const rate& by, std::int64_t cost, std::int64_t wanted, cell& of, std::int64_t floor_us,
                       std::int64_t now_us) noexcept
{
    if (wanted <= cost) return 0;
    const cell charged = settle(by, of, floor_us);
    const std::int64_t cells = std::min(wanted, by.burst - charged.taken + cells_in(by, now_us - charged.base_us));
    if (cells <= cost) return 0;
    of = charged;
    of.taken += cells;
    return cells;
}

}  // namespace

rate make_rate(std::int64_t limit, std::int64_t period_us, std::int64_t burst) noexcept
{
    const std::int64_t divisor = std::gcd(limit, period_us);
    return {.period_us = period_us / divisor, .limit = limit / divisor, .burst = burst};
}

std::int64_t lease_span_us(const rate& by) noexcept
{
    return std::min(longest_lease_us, time_of(by, by.burst) / 4);
}

std::int64_t most_leased(const rate& by) noexcept
{
    return cells_in(by, lease_span_us(by));
}

cell settle(const rate& by, const std::optional<cell>& stored, std::int64_t now_us) noexcept
{
    if (!stored) return {.base_us = now_us, .generation = generation_of(now_us)};
    cell now = *stored;
    if (time_of(by, now.taken) <= now_us - now.base_us) {
        now.base_us = now_us;
        now.taken = 0;
    } else if (!within(by, now, now.taken, now_us)) {
        now = {.base_us = now_us, .taken = by.burst, .returned = 0, .generation = generation_of(now_us)};
    } else {
        normalize(by, now);
    }
    return now;
}

cell settled_alone(const rate& by, const settlement& of, std::int64_t now_us) noexcept
{
    cell alone = settle(by, of.before, now_us);
    alone.taken += of.granted - of.unspent;
    alone.returned = of.after.returned;
    alone.generation = of.after.generation;
    return alone;
}

decision decide(const rate& by, const std::optional<cell>& stored, const ask& asked, std::int64_t now_us) noexcept
{
    decision made;
    cell now = settle(by, stored, now_us);
    made.changed = stored && !within(by, *stored, stored->taken, now_us);
    made.alone =
        stored && asked.settles && now.generation == asked.settles->after.generation && *stored == asked.settles->after;
    if (stored && asked.settles) made.returned = give_back(by, *stored, now, *asked.settles, now_us);
    made.changed = made.changed || (stored && now.returned != stored->returned);
    if (asked.refund > 0) {
        // A cell that is refilling already can still be given back, what is left of it.
        const std::int64_t owed = now.taken - cells_in(by, now_us - now.base_us);
        made.refunded = std::clamp<std::int64_t>(owed, 0, asked.refund);
        move_back(by, now, made.refunded);
    }
    now = settle(by, now, now_us);
    made.before = made.after = now;
    const std::int64_t wanted = made.alone ? std::min(asked.wanted, most_leased(by)) : 0;
    made.cells = take_many(by, asked.cost, wanted, made.after, now_us + lease_span_us(by), now_us);
    made.leased = made.cells > 0;
    if (!made.leased) made.cells = take_many(by, asked.cost, asked.crowd, made.after, now_us, now_us);
    made.granted = made.cells > 0;
    if (!made.granted && within(by, now, now.taken + asked.cost, now_us)) {
        made.granted = true;
        made.cells = asked.cost;
        made.after.taken += asked.cost;
    }
    made.changed = made.changed || made.refunded > 0 || made.cells > 0;
    return made;
}

cell convert(const cell& stored, const rate& from, const rate& to, std::int64_t now_us) noexcept
{
    cell made = stored;
    made.base_us = now_us;
    made.taken = 0;
    // More than its burst is owed only after the clock stepped back.
    const std::int64_t owed_us =
        std::min(stored.base_us + time_of(from, stored.taken) - now_us, time_of(from, from.burst));
    if (owed_us <= 0) return made;
    made.taken = cells_in(from, owed_us);
    // The most that can be owed; also keeps cells·T of a much slower rate from overflowing.
    if (made.taken >= to.burst) {
        made.taken = to.burst;
        return made;
    }
    const std::int64_t rest_us = std::max<std::int64_t>(0, owed_us - time_of(from, made.taken));
    // The same doubles in the same order as in cell.lua: both round up, to the same microsecond.
    const double scale = static_cast<double>(to.period_us) / static_cast<double>(to.limit) *
                         static_cast<double>(from.limit) / static_cast<double>(from.period_us);
    made.base_us += static_cast<std::int64_t>(std::ceil(static_cast<double>(rest_us) * scale));
    return made;
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
