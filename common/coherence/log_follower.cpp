#include "common/coherence/log_follower.hpp"

#include <algorithm>

namespace shoal::coherence {

standing log_follower::judge(const stamp& of, std::span<const tag> tags) const noexcept
{
    if (of.epoch != position_.epoch || of.epoch == 0) return standing::purged;
    // Nothing was purged since: most of what is stored, most of the time.
    if (of.sequence >= position_.sequence) return standing::current;
    auto found = standing::current;
    for (const tag each : tags) {
        const auto& last = table_.at(each);
        if (last.hard > of.sequence) return standing::purged;
        if (last.soft > of.sequence) found = standing::softly_purged;
    }
    return found;
}

log_follower::next log_follower::renewed(const log_head& reply, std::span<const log_entry> entries)
{
    heard_of(reply.head.epoch, reply.received);
    if (reply.head.epoch != position_.epoch) {
        leave();
        return next::join;
    }
    for (const auto& each : entries) apply(each);
    if (position_.sequence < reply.head.sequence) {
        const bool contiguous = !entries.empty() && entries.back().at.sequence <= position_.sequence;
        if (contiguous) return next::again;
        leave();
        return next::join;
    }
    lease_until_ = std::max(lease_until_, terms_.expiry(reply.sent));
    // What the relay had purged before it said so is applied by now.
    take_over(reply.relay, reply.sent);
    return next::wait;
}

void log_follower::take_over(const relay_word& said, boot_time sent)
{
    if (said.age) relayed_at_ = std::max(relayed_at_, sent - *said.age);
    if (said.views_age) viewed_at_ = std::max(viewed_at_, sent - *said.views_age);
    // No maximum: of another database, or another timeline, a smaller position is the newer one.
    purged_ = said.purged;
    viewed_ = said.viewed;
}

bool log_follower::apply(const log_entry& entry)
{
    if (!joined() || entry.at.epoch != position_.epoch || entry.at.sequence != position_.sequence + 1) return false;
    table_.raise_hard(entry.hard, entry.at.sequence);
    table_.raise_soft(entry.soft, entry.at.sequence);
    position_.sequence = entry.at.sequence;
    return true;
}

void log_follower::heard_of(std::uint64_t epoch, boot_time received)
{
    if (epoch <= epoch_) return;
    epoch_ = epoch;
    epoch_heard_ = received;
    leave();
}

void log_follower::begin_join(const log_head& from)
{
    leave();
    heard_of(from.head.epoch, from.received);
    table_.clear();
    joining_ = from.head;
}

bool log_follower::end_join()
{
    if (joining_.epoch != epoch_) return false;
    position_ = joining_;
    return true;
}

void log_follower::leave() noexcept
{
    lease_until_ = boot_time::min();
    position_ = {};
}

}  // namespace shoal::coherence
