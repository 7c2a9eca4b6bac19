// How a worker of the model follows the log: as store/purge_log.cpp does, over a Redis that is late.

#include <algorithm>
#include <utility>

#include "tests/unit/coherence/model_world.hpp"

namespace shoal::test {

using namespace coherence;

namespace {

constexpr std::int64_t time_out = 100'000;
constexpr std::int64_t renew_interval = 250'000;
constexpr std::int64_t retry_pause = 50'000;
constexpr std::size_t part_bytes = 24;

log_entry view(const purge_redis_model::entry& of)
{
    return {of.at, of.hard, of.soft};
}

}  // namespace

/// One connection keeps the order of its commands; a reply after the time-out is dropped, though the call has run.
std::size_t cache_world::send(std::size_t which, call made)
{
    auto& at = workers_[which];
    made.connection = connection_;
    made.sent = now_;
    made.sent_by_worker = clock(at);
    const auto index = calls_.size();
    if (!redis_up_) {
        made.too_late = true;
        calls_.push_back(std::move(made));
        push(now_ + 10, does::redis_answers, index, which);
        return index;
    }
    if (at.cut_until > now_) {
        made.too_late = true;
        calls_.push_back(std::move(made));
        push(now_ + time_out, does::redis_answers, index, which);
        return index;
    }
    at.last_run = std::max(at.last_run + 1, now_ + latency());
    const auto reply = at.last_run + latency();
    made.too_late = reply > now_ + time_out;
    calls_.push_back(std::move(made));
    push(at.last_run, does::redis_runs, index, which);
    push(std::min(reply, now_ + time_out), does::redis_answers, index, which);
    return index;
}

void cache_world::run_call(std::size_t index, std::size_t which)
{
    auto& of = calls_[index];
    const auto& at = workers_[which];
    if (of.connection != connection_ || !redis_up_) return;
    if (random_.chance(by_.saved)) saved_ = redis_.stored();
    of.ran = true;
    redis_.now_us = by_.no_clock ? 0 : now_ + redis_offset_;
    switch (of.what) {
    case asks::head: of.head = redis_.head(of.known); return;
    case asks::table: of.table = redis_.table_part(of.offset, part_bytes); return;
    case asks::renew: {
        auto reply = redis_.renew(of.known, of.reports, at.incarnation, of.report, by_.entries_at_once);
        of.head = reply.head;
        of.entries = std::move(reply.entries);
        return;
    }
    case asks::purge: {
        const auto& what = purges_[of.purge];
        auto reply = redis_.purge(of.known, what.hard, what.soft_buckets, by_.log_kept);
        of.head = reply.at;
        for (auto& [incarnation, report] : reply.members) of.members.push_back({incarnation, report});
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            const auto& to = workers_[i];
            if (!to.alive || to.cut_until > now_ || random_.chance(by_.lost_arrivals)) continue;
            arrivals_.push_back({redis_.log().back(), connection_});
            push(now_ + latency(), does::entry_arrives, arrivals_.size() - 1, i);
        }
        return;
    }
    case asks::reports:
        for (const auto& each : of.members) of.reported.push_back(redis_.report_of(each.incarnation));
        return;
    case asks::forget:
        for (const auto& each : of.members) {
            if (left_out_ == what_if::forgotten_though_renewed) redis_.leave(each.incarnation);
            redis_.forget(each.incarnation, each.report);
        }
        return;
    case asks::leave: redis_.leave(at.incarnation); return;
    }
}

void cache_world::answered(std::size_t index, std::size_t which)
{
    auto& of = calls_[index];
    // A worker that stood still finds the reply and the time-out together.
    if (of.too_late && now_ > of.sent + 2 * time_out && random_.chance(0.5)) of.too_late = false;
    const bool heard = of.ran && !of.too_late && of.connection == connection_;
    switch (of.what) {
    case asks::head: return heard ? heard_head(which, of) : followed(which, false);
    case asks::table: return heard ? heard_table(which, of) : followed(which, false);
    case asks::renew: return heard ? heard_renewal(which, of) : followed(which, false);
    case asks::purge:
        if (heard) purge_written(which, of);
        return;
    case asks::reports:
        workers_[which].asking = false;
        if (heard) heard_reports(which, of);
        return conclude(which);
    default: return;
    }
}

void cache_world::follow(std::size_t which)
{
    auto& at = workers_[which];
    if (at.draining) return;
    at.busy = true;
    call made;
    made.known = at.log.known_epoch();
    if (!at.log.joined()) {
        made.what = left_out_ == what_if::head_read_after_table ? asks::table : asks::head;
    } else {
        made.what = asks::renew;
        at.reported = made.reports = at.log.position();
        made.report = to_text({made.reports, ++at.renewals, at.name});
    }
    send(which, std::move(made));
}

/// The end of one round of questions.
void cache_world::followed(std::size_t which, bool heard)
{
    auto& at = workers_[which];
    at.busy = false;
    if (heard && !at.draining && (!at.log.joined() || at.log.position() != at.reported)) return follow(which);
    if (std::exchange(at.renewal_set, true)) return;
    push(now_ + (heard ? renew_interval : retry_pause), does::renewal_due, 0, which);
}

void cache_world::heard_head(std::size_t which, call& of)
{
    auto& at = workers_[which];
    at.log.begin_join({of.sent_by_worker, clock(at), of.head});
    if (left_out_ == what_if::head_read_after_table) {
        at.log.load(0, at.early_table);
        return followed(which, at.log.end_join());
    }
    if (left_out_ == what_if::join_without_table) {
        // Emptying the memory is not enough.
        at.kept = {};
        return followed(which, at.log.end_join());
    }
    call next;
    next.what = asks::table;
    send(which, std::move(next));
}

void cache_world::heard_table(std::size_t which, call& of)
{
    auto& at = workers_[which];
    if (at.draining) return followed(which, false);
    const bool early = left_out_ == what_if::head_read_after_table;
    if (early) {
        at.early_table.resize(of.offset);
        at.early_table += of.table;
    } else {
        at.log.load(of.offset, of.table);
    }
    call next;
    next.known = at.log.known_epoch();
    if (of.offset + part_bytes < at.log.table_size()) {
        next.what = asks::table;
        next.offset = of.offset + part_bytes;
    } else if (early) {
        next.what = asks::head;
    } else {
        ++made_.joins;
        return followed(which, at.log.end_join());
    }
    send(which, std::move(next));
}

void cache_world::heard_renewal(std::size_t which, call& of)
{
    auto& at = workers_[which];
    if (at.draining) return followed(which, false);
    log_head reply{of.sent_by_worker, clock(at), of.head};
    if (left_out_ == what_if::lease_from_reply) reply.sent = reply.received;
    std::vector<log_entry> entries;
    for (auto& each : of.entries) {
        each.hard = relevant(at, each.hard);
        each.soft = relevant(at, each.soft);
        entries.push_back(view(each));
    }
    const bool gap = !entries.empty() && entries.front().at.sequence > at.log.position().sequence + 1;
    if (left_out_ == what_if::lease_before_all_is_applied && !gap && of.head.epoch == at.log.position().epoch) {
        // Of what the reply had no room for, the lease knows nothing.
        for (const auto& each : entries) at.log.apply(each);
        reply.head.sequence = std::min(reply.head.sequence, at.log.position().sequence);
    }
    if (left_out_ == what_if::gaps_not_seen && of.head.epoch == at.log.position().epoch) {
        for (const auto& each : of.entries) apply(at, each);
        reply.head.sequence = std::min(reply.head.sequence, at.log.position().sequence);
    }
    const auto next = at.log.renewed(reply, entries);
    if (next == log_follower::next::join && of.head.epoch == of.reports.epoch) ++made_.gaps;
    followed(which, true);
}

/// Of the buckets, those that a worker would look at that has no table of all.
std::string cache_world::relevant(const worker& at, const std::string& buckets) const
{
    if (left_out_ != what_if::only_present_tags) return buckets;
    std::string made;
    for (std::size_t i = 0; i + 4 <= buckets.size(); i += 4) {
        const auto which = static_cast<unsigned char>(buckets[i + 3]);
        for (std::size_t key = 0; key < by_.keys; ++key)
            if (at.kept[key] && (tags_[key][0] == which || tags_[key][1] == which)) made += buckets.substr(i, 4);
    }
    return made;
}

bool cache_world::apply(worker& at, const purge_redis_model::entry& what)
{
    const auto before = at.log.position();
    if (left_out_ == what_if::gaps_not_seen && what.at.epoch == before.epoch)
        while (at.log.position().sequence + 1 < what.at.sequence)
            at.log.apply({{before.epoch, at.log.position().sequence + 1}, {}, {}});
    const auto hard = relevant(at, what.hard);
    const auto soft = relevant(at, what.soft);
    return at.log.apply({what.at, hard, soft});
}

void cache_world::arrived(std::size_t which, arrival& what)
{
    if (what.connection != connection_) return;
    if (apply(workers_[which], what.what)) progressed(which);
}

void cache_world::progressed(std::size_t which)
{
    if (!workers_[which].busy) follow(which);
}

void cache_world::leave(std::size_t which)
{
    auto& at = workers_[which];
    if (std::exchange(at.draining, true)) return;
    at.log.leave();
    call made;
    made.what = asks::leave;
    send(which, std::move(made));
    push(now_ + random_.between(10'000, 500'000), does::end, 0, which);
}

}  // namespace shoal::test
