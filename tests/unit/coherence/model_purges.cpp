// How a worker of the model purges and acknowledges: as store/purge_log_writer.cpp does.

#include <algorithm>
#include <utility>

#include "tests/unit/coherence/model_world.hpp"

namespace shoal::test {

using namespace coherence;

namespace {

/// Between questions for reports: longer than they are, for the sake of the number of events.
constexpr std::int64_t longest_pause = 150'000;
const lease_terms terms;

}  // namespace

void cache_world::begin_purge(std::size_t which, bool soft, std::size_t key, bool shared)
{
    purge_made made;
    made.soft = soft;
    append_bucket(soft ? made.soft_buckets : made.hard, static_cast<bucket>(tags_[key][shared ? 1 : 0]));
    for (std::size_t i = 0; i < by_.keys; ++i)
        if (i == key || (shared && tags_[i][1] == tags_[key][1])) made.covers[i] = version_[i];
    call asked;
    asked.what = asks::purge;
    asked.known = workers_[which].log.known_epoch();
    asked.purge = static_cast<std::uint32_t>(purges_.size());
    purges_.push_back(std::move(made));
    send(which, std::move(asked));
}

void cache_world::purge_written(std::size_t which, call& of)
{
    auto& at = workers_[which];
    const auto now = left_out_ == what_if::fenced_from_sending ? of.sent_by_worker : clock(at);
    at.log.heard_of(of.head.epoch, now);
    auto count_from = at.log.known_epoch() == of.head.epoch ? at.log.reports_count_from() : boot_time::max();
    if (left_out_ == what_if::acknowledged_quickly_in_new_epoch) count_from = now;
    at.purges.push_back({{of.head, now, of.members, terms, count_from}, of.purge});
    const auto& what = purges_[of.purge];
    if (apply(at, {of.head, what.hard, what.soft_buckets}) || !at.log.joined()) progressed(which);
    at.pause_us = 1000;
    look(which);
}

void cache_world::look(std::size_t which)
{
    auto& at = workers_[which];
    call asked;
    asked.what = asks::reports;
    for (auto& each : at.purges) {
        each.progress.applied(at.incarnation, at.log.position());
        for (const auto& member : each.progress.awaited())
            if (member.incarnation != at.incarnation) asked.members.push_back(member);
    }
    if (asked.members.empty()) return conclude(which);
    if (std::exchange(at.asking, true)) return;
    send(which, std::move(asked));
}

void cache_world::heard_reports(std::size_t which, call& of)
{
    for (auto& each : workers_[which].purges)
        for (std::size_t i = 0; i < of.members.size(); ++i) {
            const auto& who = of.members[i].incarnation;
            if (!of.reported[i]) {
                if (left_out_ == what_if::gone_members_not_awaited) each.progress.applied(who, each.progress.at());
                continue;
            }
            each.progress.reported(who, *of.reported[i]);
            const auto read = read_member_report(*of.reported[i]);
            if (left_out_ == what_if::reports_of_any_epoch && read &&
                read->applied.sequence >= each.progress.at().sequence)
                each.progress.applied(who, each.progress.at());
        }
}

void cache_world::conclude(std::size_t which)
{
    auto& at = workers_[which];
    std::vector<acknowledgement::member> silent;
    std::erase_if(at.purges, [&](open_purge& each) {
        if (!each.progress.over(clock(at)) && left_out_ != what_if::acknowledged_at_once) return false;
        const auto& fenced = each.progress.awaited();
        silent.insert(silent.end(), fenced.begin(), fenced.end());
        ++(fenced.empty() ? made_.acknowledged : made_.fenced);
        const auto& what = purges_[each.of];
        for (std::size_t key = 0; key < by_.keys; ++key) {
            auto& needed = what.soft ? soft_needed_[key] : hard_needed_[key];
            needed = std::max(needed, what.covers[key]);
            if (what.covers[key] == 0) continue;
            for (int i = 0; i < 2; ++i)
                if (random_.chance(by_.pressing))
                    push(now_ + random_.between(1, random_.chance(0.5) ? 3000 : 300'000), does::request_comes, key);
        }
        return true;
    });
    if (!silent.empty()) {
        call made;
        made.what = asks::forget;
        made.members = std::move(silent);
        send(which, std::move(made));
    }
    if (at.purges.empty() || at.asking) return;
    at.pause_us = std::min<us>(at.pause_us * 2, longest_pause);
    push(now_ + at.pause_us, does::look_due, 0, which);
}

}  // namespace shoal::test
