#include "services/limiter/lease.hpp"

#include <algorithm>
#include <utility>

namespace shoal::limiter {
namespace {

/// A lease ends this much of its span early: for clocks that run at different speeds.
constexpr std::int64_t margin = 64;
/// Who has been alone for this part of a span is taken for the key's owner.
constexpr std::int64_t part_alone = 4;

}  // namespace

void account::arrived(const rate& by, std::int64_t cost, std::int64_t now_us) noexcept
{
    const std::int64_t span = lease_span_us(by);
    if (now_us - since_us_ >= span) {
        previous_ = now_us - since_us_ < 2 * span ? current_ : 0;
        current_ = 0;
        since_us_ = now_us;
    }
    current_ += cost;
}

std::int64_t account::wanted(const rate& by, std::int64_t cost, std::int64_t now_us) const noexcept
{
    const std::int64_t most = most_leased(by);
    if (most < 2) return 0;
    const std::int64_t span = lease_span_us(by);
    const std::int64_t left = std::clamp<std::int64_t>(span - (now_us - since_us_), 0, span);
    const std::int64_t recent = current_ + previous_ * left / span;
    const std::int64_t cells = std::min(most, recent / 2);
    return cells >= 2 && cells >= 2 * cost ? cells : 0;
}

std::optional<outcome> account::decide(std::int64_t version, std::int64_t cost, std::int64_t now_us) noexcept
{
    if (version != version_) return std::nullopt;
    if (lease_ && now_us < lease_until_us_ && lease_->unspent >= cost) {
        lease_->unspent -= cost;
        return outcome{.granted = true, .after = standing_at(cost, now_us), .by = decided_by::memory};
    }
    if (now_us >= known_until_us_) return std::nullopt;
    // By the latest time that it may be at Redis: who waited as another worker told is not refused for a clock.
    if (standing_at(cost, now_us + round_trip_us_).retry_after_us == 0) return std::nullopt;
    const standing now = standing_at(cost, now_us);
    return outcome{.granted = false, .after = now, .by = decided_by::memory};
}

std::optional<outcome> account::peek(std::int64_t version, std::int64_t cost, std::int64_t now_us) const noexcept
{
    if (version != version_ || !lease_ || now_us >= lease_until_us_) return std::nullopt;
    const standing now = standing_at(cost, now_us);
    return outcome{.granted = now.retry_after_us == 0, .after = now, .by = decided_by::memory};
}

standing account::standing_at(std::int64_t cost, std::int64_t now_us) const noexcept
{
    const std::int64_t server_us = now_us + offset_us_;
    // Who has leased can give back: what it did not spend, and that it may be spent until the lease's end.
    const bool alone = lease_ && known_ == lease_->after;
    const cell now = alone ? settled_alone(judged_, *lease_, server_us) : settle(judged_, known_, server_us);
    standing made = standing_of(judged_, now, cost, server_us);
    made.retry_after_us = std::max(made.retry_after_us, held_until_us_ - now_us);
    return made;
}

std::optional<settlement> account::surrender() noexcept
{
    auto left = std::exchange(lease_, std::nullopt);
    // Until Redis says what is there with these, nobody is refused for want of them.
    if (left && left->unspent > 0) known_until_us_ = 0;
    return left;
}

ask account::next(const rate& by, std::int64_t cost, std::int64_t waiting, std::int64_t now_us) noexcept
{
    ask made{.settles = surrender(), .cost = cost};
    const std::int64_t cells = cost > 0 ? wanted(by, cost, now_us) : 0;
    if (cells == 0) return made;
    made.crowd = cost + waiting;
    const bool owner = alone_since_us_ != 0 && now_us - alone_since_us_ >= lease_span_us(by) / part_alone;
    if (owner) made.wanted = std::max(cells, made.crowd);
    return made;
}

std::optional<outcome> account::hand_out(std::int64_t cost, std::int64_t now_us) noexcept
{
    if (!lease_ || lease_->unspent < cost) return std::nullopt;
    lease_->unspent -= cost;
    return outcome{.granted = true, .after = standing_at(cost, now_us), .by = decided_by::memory};
}

void account::learn(std::int64_t version, const ask& asked, const ruling& heard, std::int64_t sent_us,
                    std::int64_t now_us) noexcept
{
    if (version < version_) return;
    if (version > version_) lease_.reset();
    version_ = version;
    judged_ = heard.judged;
    known_ = heard.made.after;
    offset_us_ = heard.now_us - now_us;
    round_trip_us_ = now_us - sent_us;
    const std::int64_t span = lease_span_us(judged_);
    known_until_us_ = sent_us + span;
    held_until_us_ = 0;
    if (asked.crowd == 0) return;
    lease_ = settlement{.before = heard.made.before,
                        .after = heard.made.after,
                        .granted = heard.made.cells,
                        .unspent = std::max<std::int64_t>(0, heard.made.cells - asked.cost),
                        .version = heard.version};
    lease_until_us_ = heard.made.leased ? sent_us + span - span / margin - 1 : 0;
    if (!heard.made.alone)
        alone_since_us_ = 0;
    else if (alone_since_us_ == 0)
        alone_since_us_ = now_us;
    if (heard.made.alone && heard.made.cells < std::min(asked.wanted, most_leased(judged_))) {
        const auto until_there = standing_of(judged_, known_, asked.wanted, heard.now_us).retry_after_us;
        held_until_us_ = std::min(known_until_us_, now_us + until_there);
    }
}

void account::forget() noexcept
{
    lease_.reset();
    known_until_us_ = 0;
    held_until_us_ = 0;
}

}  // namespace shoal::limiter
