#include "services/limiter/local_share.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace shoal::limiter {
namespace {

constexpr std::int64_t us_per_ms = 1000;

}  // namespace

void local_share::set_workers(std::int64_t count) noexcept
{
    workers_ = std::max<std::int64_t>(count, 1);
}

outcome local_share::take(const rule& by, std::string_view key, std::int64_t cost, local_time now)
{
    if (cost == 0) return peek(by, key, cost, now);
    auto& of_key = obtain(by, key);
    const auto* const held = &of_key.held;
    outcome made{.by = decided_by::policy};
    if (by.kind == algorithm::window) {
        auto counted = count(by, held, now);
        made.granted = limiter::take(counted, cost);
        made.after = standing_of(counted, cost, now.wall_us);
        put(of_key, counted);
    } else {
        auto paced_now = pace(by, held, now);
        const auto decided = decide(paced_now.by, paced_now.now, {.cost = cost}, now.boot_us);
        made.granted = decided.granted;
        made.after = standing_of(paced_now.by, decided.after, cost, now.boot_us);
        paced_now.now = decided.after;
        put(of_key, paced_now);
    }
    return made;
}

outcome local_share::peek(const rule& by, std::string_view key, std::int64_t cost, local_time now)
{
    if (by.kind == algorithm::concurrency) {
        const auto* const held = live_slots(by, key, now.boot_us);
        return standing_of_slots(by, held == nullptr ? slots{} : *held, now.boot_us);
    }
    const auto* const found = find(by, key);
    const memory* const held = found == nullptr ? nullptr : &found->held;
    outcome made{.by = decided_by::policy};
    if (by.kind == algorithm::window) {
        made.after = standing_of(count(by, held, now), cost, now.wall_us);
    } else {
        const auto paced_now = pace(by, held, now);
        made.after = standing_of(paced_now.by, paced_now.now, cost, now.boot_us);
    }
    made.granted = cost <= made.after.remaining;
    return made;
}

local_share::paced local_share::pace(const rule& by, const memory* held, local_time now) const
{
    paced made{.by = share_of(by.decide), .now = {}};
    const auto* const before = held == nullptr ? nullptr : std::get_if<paced>(held);
    if (before == nullptr)
        made.now = settle(made.by, std::nullopt, now.boot_us);
    else if (before->by == made.by)
        made.now = settle(made.by, before->now, now.boot_us);
    else
        made.now = settle(made.by, convert(before->now, before->by, made.by, now.boot_us), now.boot_us);
    return made;
}

counter local_share::count(const rule& by, const memory* held, local_time now) const
{
    const counter fresh{.in = by.windows->around(now.wall_us), .limit = share_of(by.limit), .version = by.version};
    const auto* const before = held == nullptr ? nullptr : std::get_if<counter>(held);
    if (before == nullptr) return fresh;
    auto made = settle(*before, fresh, now.wall_us);
    made.limit = fresh.limit;  // the fleet's size is not of the rule's version
    return made;
}

std::int64_t local_share::share_of(std::int64_t whole) const noexcept
{
    return std::max<std::int64_t>(1, whole / workers_);
}

rate local_share::share_of(const rate& whole) const noexcept
{
    return make_rate(whole.limit, whole.period_us * workers_, share_of(whole.burst));
}

local_share::entry* local_share::find(const rule& by, std::string_view key)
{
    const auto found = index_.find({by.name, key});
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &entries_.front();
}

local_share::entry& local_share::obtain(const rule& by, std::string_view key)
{
    if (auto* const found = find(by, key)) return *found;
    auto& made = entries_.emplace_front(entry{.rule = by.name, .key = std::string{key}, .held = {}});
    index_.emplace(name{made.rule, made.key}, entries_.begin());
    ++size_;
    make_room();
    return made;
}

void local_share::put(entry& into, memory made)
{
    size_ -= weight(into);
    into.held = std::move(made);
    size_ += weight(into);
}

/// The key in use is the first, and stays.
void local_share::make_room()
{
    while (size_ > capacity_ && entries_.size() > 1) erase(std::prev(entries_.end()));
}

void local_share::erase(std::list<entry>::iterator which)
{
    size_ -= weight(*which);
    index_.erase({which->rule, which->key});
    entries_.erase(which);
}

std::size_t local_share::weight(const entry& of) noexcept
{
    const auto* const held = std::get_if<slots>(&of.held);
    return 1 + (held == nullptr ? 0 : held->size());
}

std::size_t local_share::name_hash::operator()(const name& of) const noexcept
{
    const std::hash<std::string_view> hash;
    return hash(of.key) * 31 + hash(of.rule);
}

void local_share::forget(const rule& by, std::string_view key)
{
    const auto found = index_.find({by.name, key});
    if (found != index_.end()) erase(found->second);
}

local_share::slots* local_share::live_slots(const rule& by, std::string_view key, std::int64_t now_us)
{
    auto* const found = find(by, key);
    auto* const held = found == nullptr ? nullptr : std::get_if<slots>(&found->held);
    if (held == nullptr) return nullptr;
    size_ -= std::erase_if(*held, [now_us](const slot& one) { return one.expires_us <= now_us; });
    return held;
}

outcome local_share::acquire(const rule& by, std::string_view key, std::string_view id, std::int64_t ttl_ms,
                             local_time now)
{
    auto& of_key = obtain(by, key);
    auto* held = live_slots(by, key, now.boot_us);
    if (held == nullptr) held = &of_key.held.emplace<slots>();
    outcome made = standing_of_slots(by, *held, now.boot_us);
    if (!made.granted || held->size() + 2 > capacity_) {
        made.granted = false;
        return made;
    }
    held->push_back({.id = std::string{id}, .expires_us = now.boot_us + ttl_ms * us_per_ms});
    ++size_;
    make_room();
    made = standing_of_slots(by, *held, now.boot_us);
    made.granted = true;
    return made;
}

std::optional<outcome> local_share::renew(const rule& by, std::string_view key, std::string_view id,
                                          std::int64_t ttl_ms, local_time now)
{
    auto* const held = live_slots(by, key, now.boot_us);
    if (held == nullptr) return std::nullopt;
    const auto found = std::ranges::find(*held, id, &slot::id);
    if (found == held->end()) return std::nullopt;
    found->expires_us = now.boot_us + ttl_ms * us_per_ms;
    auto made = standing_of_slots(by, *held, now.boot_us);
    made.granted = true;
    return made;
}

bool local_share::release(const rule& by, std::string_view key, std::string_view id, local_time now)
{
    auto* const held = live_slots(by, key, now.boot_us);
    if (held == nullptr) return false;
    const auto gone = std::erase_if(*held, [id](const slot& one) { return one.id == id; });
    size_ -= gone;
    return gone > 0;
}

outcome local_share::standing_of_slots(const rule& by, const slots& held, std::int64_t now_us) const
{
    outcome made{.by = decided_by::policy};
    made.after.remaining = std::max<std::int64_t>(0, share_of(by.limit) - static_cast<std::int64_t>(held.size()));
    made.granted = made.after.remaining > 0;
    if (held.empty()) return made;
    const auto [first, last] = std::ranges::minmax_element(held, {}, &slot::expires_us);
    made.after.reset_us = last->expires_us - now_us;
    if (!made.granted) made.after.retry_after_us = first->expires_us - now_us;
    return made;
}

}  // namespace shoal::limiter
