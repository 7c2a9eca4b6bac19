#include "services/cache/handlers/flights.hpp"

#include <algorithm>
#include <utility>

namespace shoal::cache {
namespace {

/// Of what is known of the fill by now.
bool is_for(const fill& one, ask& asked, const coherence_view& log)
{
    if (one.validates() != nullptr && is_too_soft(asked, *one.validates(), log)) return false;
    const auto fits = [&](std::string_view vary, std::string_view variant) {
        return vary.empty() || asked.of(vary) == variant;
    };
    if (one.current() == fill::phase::asking)
        return one.validates() == nullptr || fits(one.validates()->vary(), one.validates()->variant());
    const auto& kept = one.head().kept;
    return one.current() == fill::phase::flowing && one.head().shared && one.whole() && fits(kept.vary, kept.variant);
}

}  // namespace

bool is_too_soft(const ask& asked, const stored& kept, const coherence_view& log)
{
    return asked.write_not_purged ||
           (asked.after_write && log.judge(kept.since(), kept.tags()) == standing::softly_purged);
}

void flights::add(fill_ptr one)
{
    auto& all = by_key_[one->key()];
    all.push_back(std::move(one));
}

void flights::remove(const fill& one)
{
    const auto at = by_key_.find(one.key());
    if (at == by_key_.end()) return;
    std::erase_if(at->second, [&](const fill_ptr& other) { return other.get() == &one; });
    if (at->second.empty()) by_key_.erase(at);
}

flights::seat flights::join(ask& asked, const coherence_view& log, boot_time now) const
{
    const auto at = by_key_.find(asked.key);
    if (at == by_key_.end()) return {};
    for (const auto& one : at->second)
        if (const auto ticket = join_fill(log, now, asked.received, one->sent()); ticket && is_for(*one, asked, log))
            return {one, *ticket};
    return {};
}

fill_ptr flights::last(const std::string& key) const
{
    const auto at = by_key_.find(key);
    return at == by_key_.end() ? nullptr : at->second.back();
}

fill_ptr flights::last_of_many(const std::string& key) const
{
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) return nullptr;
    const auto asking = std::ranges::count(at->second, fill::phase::asking, &fill::current);
    return asking > 1 ? at->second.back() : nullptr;
}

}  // namespace shoal::cache
