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

void progress::received(std::uint32_t xid, lsn end, purge_set tags, std::vector<std::string> marks)
{
    transaction made{.xid = xid, .before = received_, .end = end, .tags = std::move(tags), .marks = std::move(marks)};
    made.done = made.tags.empty();
    made.viewed = made.marks.empty();
    made.bytes = made.tags.size();
    for (const auto& one : made.marks) made.bytes += one.size() + sizeof(std::string);
    bytes_ += made.bytes;
    if (!made.done || !made.viewed) open_.push_back(std::move(made));
    passed(end);
}

void progress::passed(lsn end)
{
    received_ = std::max(received_, end);
}

void progress::seen(const snapshot& by, lsn replayed)
{
    for (auto& one : open_) {
        if (one.visible) continue;
        one.on_primary = one.on_primary || by.sees(one.xid);
        one.visible = one.on_primary && one.end <= replayed;
    }
}

progress::batch progress::next(std::size_t most)
{
    batch made;
    std::size_t size = 0;
    for (auto& one : open_) {
        if (one.done) continue;
        const bool first_is_needed = !one.written && one.tags.purges();
        if (!one.visible && !first_is_needed) continue;
        if (!made.empty() && size + one.tags.size() > most) break;
        size += one.tags.size();
        one.in_batch = true;
        one.last = one.visible;
        made.sets.push_back(&one.tags);
        if (one.last && !one.tags.token.empty()) made.tokens.push_back({one.tags.token, one.end});
    }
    made.done = end_of_prefix([](const transaction& one) { return one.done || (one.in_batch && one.last); });
    return made;
}

/// Of the longest prefix of the log in which all that is open counts.
template <class Counts>
lsn progress::end_of_prefix(Counts counts) const noexcept
{
    const auto first = std::find_if_not(open_.begin(), open_.end(), counts);
    return first == open_.end() ? received_ : first->before;
}

lsn progress::done() const noexcept
{
    return end_of_prefix([](const transaction&) { return false; });
}

lsn progress::purged() const noexcept
{
    return end_of_prefix([](const transaction& one) { return one.done; });
}

lsn progress::viewed() const noexcept
{
    return end_of_prefix([](const transaction& one) { return one.viewed; });
}

void progress::written()
{
    for (auto& one : open_) {
        if (!std::exchange(one.in_batch, false)) continue;
        one.written = true;
        one.done = one.last;
    }
    forget_done();
}

void progress::forget_done()
{
    std::erase_if(open_, [this](const transaction& one) {
        const bool whole = one.done && one.viewed;
        if (whole) bytes_ -= one.bytes;
        return whole;
    });
}

void progress::not_written()
{
    for (auto& one : open_) one.in_batch = false;
}

progress::views_batch progress::next_views(const snapshot& by)
{
    views_batch made;
    for (auto& one : open_) {
        if (one.viewed || !by.sees(one.xid)) continue;
        one.in_views_batch = true;
        made.marks.push_back(&one.marks);
    }
    made.viewed = end_of_prefix([](const transaction& one) { return one.viewed || one.in_views_batch; });
    return made;
}

void progress::views_written()
{
    for (auto& one : open_)
        if (std::exchange(one.in_views_batch, false)) one.viewed = true;
    forget_done();
}

void progress::views_not_written()
{
    for (auto& one : open_) one.in_views_batch = false;
}

bool progress::views_wanted() const noexcept
{
    return std::any_of(open_.begin(), open_.end(),
                       [](const transaction& one) { return !one.viewed && one.on_primary; });
}

bool progress::views_caught_up(const snapshot& by) const noexcept
{
    return std::none_of(open_.begin(), open_.end(),
                        [&by](const transaction& one) { return !one.viewed && by.sees(one.xid); });
}

bool progress::caught_up(const snapshot& by) const noexcept
{
    return std::none_of(open_.begin(), open_.end(),
                        [&by](const transaction& one) { return !one.done && by.sees(one.xid); });
}

std::optional<lsn> progress::unreplayed() const noexcept
{
    const auto found =
        std::find_if(open_.begin(), open_.end(), [](const transaction& one) { return one.on_primary && !one.visible; });
    return found == open_.end() ? std::nullopt : std::optional{found->end};
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
