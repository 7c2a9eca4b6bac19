#include "services/relay/progress/progress.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace shoal::relay {
namespace {

/// Fills the last part up, and others after it.
void append(std::vector<purge_set>& parts, std::string purge_set::*kind, std::string_view buckets, std::size_t most)
{
    while (!buckets.empty()) {
        if (parts.empty() || parts.back().size() >= most) parts.emplace_back();
        const auto fits = buckets.substr(0, most - parts.back().size());
        (parts.back().*kind).append(fits);
        buckets.remove_prefix(fits.size());
    }
}

}  // namespace

void progress::received(std::uint32_t xid, lsn end, purge_set tags)
{
    if (tags.empty()) return passed(end);
    received_ = std::max(received_, end);
    bytes_ += tags.size();
    open_.push_back({.xid = xid, .end = end, .tags = std::move(tags)});
}

void progress::passed(lsn end)
{
    received_ = std::max(received_, end);
    advance();
}

void progress::seen(const snapshot& by)
{
    for (auto& one : open_)
        if (!one.visible) one.visible = by.sees(one.xid);
}

progress::batch progress::next(std::size_t most)
{
    batch made;
    std::size_t size = 0;
    for (auto& one : open_) {
        const bool first_is_needed = !one.written && one.tags.purges();
        if (one.done || (!one.visible && !first_is_needed)) continue;
        if (!made.empty() && size + one.tags.size() > most) break;
        size += one.tags.size();
        one.in_batch = true;
        one.last = one.visible;
        made.sets.push_back(&one.tags);
        if (one.last && !one.tags.token.empty()) made.tokens.push_back({one.tags.token, one.end});
    }
    made.done = done_with_batch();
    return made;
}

lsn progress::done_with_batch() const noexcept
{
    lsn found = done_;
    for (const auto& one : open_) {
        if (!one.done && !(one.in_batch && one.last)) return found;
        found = one.end;
    }
    return received_;
}

void progress::written()
{
    for (auto& one : open_) {
        if (!std::exchange(one.in_batch, false)) continue;
        one.written = true;
        one.done = one.last;
    }
    advance();
}

void progress::not_written()
{
    for (auto& one : open_) one.in_batch = false;
}

void progress::advance()
{
    while (!open_.empty() && open_.front().done) {
        done_ = open_.front().end;
        bytes_ -= open_.front().tags.size();
        open_.pop_front();
    }
    if (open_.empty()) done_ = received_;
}

bool progress::caught_up(const snapshot& by) const noexcept
{
    return std::none_of(open_.begin(), open_.end(),
                        [&by](const transaction& one) { return !one.done && by.sees(one.xid); });
}

bool progress::unseen() const noexcept
{
    return std::any_of(open_.begin(), open_.end(), [](const transaction& one) { return !one.visible; });
}

std::vector<purge_set> in_parts(const progress::batch& of, std::size_t most)
{
    std::vector<purge_set> parts;
    for (const auto* const each : of.sets) {
        append(parts, &purge_set::hard, each->hard, most);
        append(parts, &purge_set::soft, each->soft, most);
    }
    if (parts.empty() && !of.empty()) parts.emplace_back();
    return parts;
}

}  // namespace shoal::relay
