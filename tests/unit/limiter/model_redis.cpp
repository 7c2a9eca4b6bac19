#include "tests/unit/limiter/model_redis.hpp"

#include <algorithm>

namespace shoal::test {
namespace {

using namespace limiter;

/// An empty cell stays, so that its worker finds that it is alone with the key.
constexpr std::int64_t least_kept_us = 100'000;

std::int64_t owed_us(const rate& by, const cell& of, std::int64_t now_us)
{
    return standing_of(by, of, 0, now_us).reset_us;
}

std::int64_t owed_cells(const rate& by, const cell& of, std::int64_t now_us)
{
    return owed_us(by, of, now_us) * by.limit / by.period_us;
}

void move_back(cell& of, std::int64_t cells)
{
    of.taken -= cells;
    of.returned += static_cast<std::uint32_t>(cells);
}

/// A lease of cells that count from now on, not from the lease's end on.
decision decide_charged_at_once(const rate& by, const std::optional<cell>& from, const ask& asked, std::int64_t now_us)
{
    decision made = decide(by, from, {.settles = asked.settles, .refund = asked.refund}, now_us);
    const auto free = standing_of(by, made.after, 0, now_us).remaining;
    const auto leased = std::min({asked.wanted, most_leased(by), free});
    made.leased = leased >= 2 && leased > asked.cost;
    made.cells = made.leased ? leased : asked.cost;
    made.granted = made.cells <= free;
    if (!made.granted) made.cells = 0;
    made.after.taken += made.cells;
    made.changed = made.changed || made.cells > 0;
    return made;
}

/// The settlement's other forms, each simpler than what gcra.cpp does.
void settle_simply(what_if left_out, const rate& by, cell& of, const settlement& left, std::int64_t now_us)
{
    if (of.generation != left.after.generation) return;
    std::int64_t most = owed_cells(by, of, now_us);
    if (left_out == what_if::clamped_without_leases) most = owed_cells(by, left.after, now_us);
    if (left_out == what_if::settled_as_if_alone) {
        const cell alone = settled_alone(by, left, now_us);
        most = owed_cells(by, of, now_us);
        move_back(
            of, std::clamp<std::int64_t>(owed_cells(by, left.after, now_us) - owed_cells(by, alone, now_us), 0, most));
        return;
    }
    move_back(of, std::min(left.unspent, most));
}

bool owes_too_much(const rate& by, const cell& of, std::int64_t now_us)
{
    return standing_of(by, of, 0, now_us).retry_after_us > 0;
}

}  // namespace

void redis_model::expire(std::int64_t now_us)
{
    if (kept_ && now_us / 1000 > kept_->expires_ms) kept_.reset();
}

void redis_model::forget(std::int64_t now_us)
{
    expire(now_us);
    if (left_out_ != what_if::generation_kept) {
        kept_.reset();
    } else if (kept_) {
        kept_->of.base_us = now_us;
        kept_->of.taken = 0;
    }
}

cell redis_model::under(const rate& by, std::int64_t now_us) const
{
    if (left_out_ != what_if::not_converted) return convert(kept_->of, kept_->by, by, now_us);
    cell same_time = kept_->of;
    same_time.base_us = now_us + owed_us(kept_->by, kept_->of, now_us);
    same_time.taken = 0;
    return same_time;
}

/// First what is given back; then as if who asks had moved the cell last.
decision redis_model::lease(const rate& by, const std::optional<cell>& from, const ask& asked,
                            std::int64_t now_us) const
{
    if (!to_anyone_ || asked.wanted == 0) return limiter::decide(by, from, asked, now_us);
    const auto first = limiter::decide(by, from, {.settles = asked.settles, .refund = asked.refund}, now_us);
    const settlement own{.before = first.after, .after = first.after};
    auto made = limiter::decide(
        by, first.after, {.settles = own, .cost = asked.cost, .crowd = asked.crowd, .wanted = asked.wanted}, now_us);
    made.returned = first.returned;
    made.refunded = first.refunded;
    made.changed = made.changed || first.changed;
    return made;
}

decision redis_model::decide(const rate& by, std::optional<cell> from, ask asked, std::int64_t now_us) const
{
    if (left_out_ == what_if::charged_at_once) return decide_charged_at_once(by, from, asked, now_us);
    if (left_out_ == what_if::not_healed && from && owes_too_much(by, *from, now_us))
        return {.before = *from, .after = *from};
    const bool simply = left_out_ == what_if::simply_clamped || left_out_ == what_if::clamped_without_leases ||
                        left_out_ == what_if::settled_as_if_alone;
    if (simply && from && asked.settles) {
        settle_simply(left_out_, by, *from, *asked.settles, now_us);
        asked.settles.reset();
        decision made = lease(by, from, asked, now_us);
        made.changed = true;
        return made;
    }
    decision made = lease(by, from, asked, now_us);
    if (left_out_ == what_if::returned_not_counted) made.before.returned = made.after.returned = 0;
    if (left_out_ == what_if::cut_keeps_generation && from) {
        made.before.generation = made.after.generation = from->generation;
        made.before.returned = made.after.returned = std::max(from->returned, made.after.returned);
    }
    return made;
}

// The versions are handled here as in cell.lua.
ruling redis_model::run(const ask& asked, const rate& own, std::int64_t own_version, std::int64_t now_us)
{
    expire(now_us);
    ruling made{.made = {}, .judged = own, .version = own_version, .now_us = now_us};
    ask effective = asked;
    std::optional<cell> from;
    bool converted = false;
    if (kept_) {
        from = kept_->of;
        if (kept_->version > own_version && (left_out_ != what_if::judged_by_own_rule || own_version < 0)) {
            made.judged = kept_->by;
            made.version = kept_->version;
        } else if (kept_->by.period_us != own.period_us || kept_->by.limit != own.limit) {
            from = under(own, now_us);
            converted = true;
        }
        if (asked.settles && (asked.settles->version != kept_->version || made.version != kept_->version))
            effective.settles.reset();
    }
    made.made = decide(made.judged, from, effective, now_us);
    if (made.made.changed || converted) store(made.judged, made.version, made.made.after, now_us);
    return made;
}

void redis_model::store(const rate& by, std::int64_t version, const cell& made, std::int64_t now_us)
{
    const std::int64_t empty_us = now_us + std::max(owed_us(by, made, now_us), least_kept_us);
    kept_ = stored{.of = made, .by = by, .version = version, .expires_ms = (empty_us + 999) / 1000 + 1};
}

}  // namespace shoal::test
