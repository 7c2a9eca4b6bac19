#include "tests/unit/coherence/model_world.hpp"

#include <algorithm>
#include <utility>

namespace shoal::test {

using namespace coherence;

namespace {

enum fault : std::size_t { pause, cut, kill, replace, drain, begin, restart, master_back, evict, step };

/// For the last purges to be acknowledged, and what was asked then to be answered.
constexpr std::int64_t after_the_end = 1'300'000;

purge_redis_model::without rules_of(what_if left_out)
{
    purge_redis_model::without made;
    made.run = left_out == what_if::run_not_compared;
    made.known = left_out == what_if::newer_epoch_not_forced;
    made.run_in_epoch = left_out == what_if::epochs_only_counted;
    made.registering = left_out == what_if::renewal_does_not_register;
    if (left_out == what_if::members_pruned_by_server_clock) made.pruning_us = 1'100'000;
    return made;
}

}  // namespace

void outcome::add(const outcome& other)
{
    violations += other.violations;
    answers += other.answers;
    first_level += other.first_level;
    second_level += other.second_level;
    stale += other.stale;
    followed += other.followed;
    fetched_again += other.fetched_again;
    validated += other.validated;
    acknowledged += other.acknowledged;
    fenced += other.fenced;
    joins += other.joins;
    gaps += other.gaps;
}

cache_world::cache_world(const plan& by, std::uint64_t seed, what_if left_out)
    : by_{by}, left_out_{left_out}, random_{seed}, redis_{rules_of(left_out)}
{
    end_ = now_ + by_.length;
    for (std::size_t i = 0; i < most_keys; ++i) {
        weak_[i] = random_.chance(by_.weak_validators);
        // Its own, and one that the first two share.
        tags_[i] = {i, i < 2 ? 3U : 4U};
    }
    redis_.run_id[0] = 'f';
    for (int i = 0; i < by_.workers; ++i) start_worker("cache-" + std::to_string(i));
    schedule_all();
}

outcome cache_world::run()
{
    while (!events_.empty() && events_.top().at <= end_ + after_the_end) {
        const event next = events_.top();
        events_.pop();
        now_ = std::max(now_, next.at);
        dispatch(next);
    }
    return made_;
}

void cache_world::push(us at, does what, std::size_t index, std::size_t whose)
{
    events_.push({at, ++order_, what, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(whose)});
}

cache_world::us cache_world::some_time()
{
    return random_.between(now_ + 50'000, end_);
}

cache_world::us cache_world::latency()
{
    return random_.chance(by_.slow) ? random_.between(1000, by_.slowest) : random_.between(50, 1500);
}

void cache_world::schedule_all()
{
    for (int i = 0; i < by_.requests; ++i) push(some_time(), does::request_comes, random_.below(by_.keys));
    for (int i = 0; i < by_.edits; ++i) push(some_time(), does::edit);
    const std::array<std::pair<fault, int>, 10> troubles{{{pause, by_.pauses},
                                                          {cut, by_.partitions},
                                                          {kill, by_.kills},
                                                          {replace, by_.replacements},
                                                          {drain, by_.drains},
                                                          {begin, by_.joins},
                                                          {restart, by_.restarts},
                                                          {master_back, by_.masters_back},
                                                          {evict, by_.evictions},
                                                          {step, by_.clock_steps}}};
    for (const auto& [what, times] : troubles)
        for (int i = 0; i < times; ++i) push(some_time(), does::trouble, what);
}

void cache_world::dispatch(const event& next)
{
    switch (next.what) {
    case does::request_comes: return request_comes(next.index);
    case does::edit: return edit();
    case does::trouble: return trouble(next.index);
    case does::start: return start_worker(workers_[next.worker].name);
    case does::end: workers_[next.worker].alive = false; return;
    case does::redis_returns: redis_up_ = true; return;
    case does::redis_runs: return run_call(next.index, next.worker);
    case does::second_level_runs: return run_second_level(second_level_calls_[next.index], next.worker);
    case does::origin_reads: {
        auto& of = fills_[next.index];
        of.failed = random_.chance(by_.origin_errors);
        of.version = version_[of.key];
        const int etag = weak_[of.key] ? of.version / 2 : of.version;
        if (of.conditional) {
            const int had = of.validates->version;
            of.confirmed = etag == (weak_[of.key] ? had / 2 : had);
        }
        return push(now_ + random_.between(500, by_.longest_fetch), does::origin_answers, next.index, next.worker);
    }
    default: return of_worker(next);
    }
}

void cache_world::of_worker(const event& next)
{
    auto& at = workers_[next.worker];
    if (!at.alive) return;
    if (at.paused_until > now_) return push(at.paused_until, next.what, next.index, next.worker);
    switch (next.what) {
    case does::handle: handle(next.worker, next.index); break;
    case does::redis_answers: answered(next.index, next.worker); break;
    case does::entry_arrives: arrived(next.worker, arrivals_[next.index]); break;
    case does::renewal_due:
        at.renewal_set = false;
        if (!at.busy) follow(next.worker);
        break;
    case does::look_due: look(next.worker); break;
    case does::second_level_answers: second_level_answered(next.worker, next.index); break;
    case does::origin_answers: origin_answered(next.worker, next.index); break;
    case does::drain: leave(next.worker); break;
    default: break;
    }
    at.turned = now_;
}

std::optional<std::size_t> cache_world::any_worker(bool owned)
{
    std::optional<std::size_t> found;
    std::size_t seen = 0;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        if (!workers_[i].alive) continue;
        if (owned) return i;
        if (random_.below(++seen) == 0) found = i;
    }
    return found;
}

void cache_world::request_comes(std::size_t key)
{
    const auto which = any_worker(random_.chance(by_.owned));
    if (!which) return;
    request made;
    made.key = key;
    made.begun = now_;
    made.hard_needed = hard_needed_[key];
    made.soft_needed = soft_needed_[key];
    requests_.push_back(made);
    push(now_ + random_.between(10, 2000), does::handle, requests_.size() - 1, *which);
}

/// The content changes, then it is purged. What was there is asked for before, and what must be there after.
void cache_world::edit()
{
    const auto key = next_edited_++ % by_.keys;
    for (int i = 0; i < 2; ++i)
        if (random_.chance(by_.pressing)) push(now_ + random_.between(0, 80'000), does::request_comes, key);
    ++version_[key];
    const bool shared = random_.chance(0.3);
    if (shared && key < 2 && random_.chance(0.5)) ++version_[1 - key];
    if (const auto which = any_worker(false))
        if (workers_[*which].paused_until <= now_) begin_purge(*which, random_.chance(by_.soft), key, shared);
}

void cache_world::trouble(std::size_t which)
{
    const auto one = any_worker(false);
    if (which == restart) return restart_redis();
    if (which == master_back) return old_master_returns();
    if (which == step) {
        redis_offset_ += random_.between(-5'000'000, 5'000'000);
        return;
    }
    if (which == begin) return start_worker("cache-" + std::to_string(workers_.size()));
    if (!one) return;
    auto& of = workers_[*one];
    const auto key = random_.below(by_.keys);
    switch (which) {
    case pause: return pause_worker(of);
    case cut: of.cut_until = now_ + random_.between(by_.shortest_partition, 1'300'000); return;
    case kill: of.alive = false; return push(now_ + random_.between(10'000, 300'000), does::start, 0, *one);
    case replace:
        push(now_ + random_.between(200'000, 900'000), random_.chance(0.5) ? does::drain : does::end, 0, *one);
        if (random_.chance(0.5)) pause_worker(of);
        return start_worker(of.name);
    case drain: return leave(*one);
    case evict:
        if (random_.chance(0.5)) of.kept[key].reset();
        if (random_.chance(0.5)) second_level_[key].reset();
        return;
    default: return;
    }
}

void cache_world::pause_worker(worker& one)
{
    one.paused_until =
        now_ + (random_.chance(0.6) ? random_.between(900'000, 1'600'000) : random_.between(50'000, 700'000));
}

/// Another run, with all its data, or with what had reached the disk, or with nothing.
void cache_world::restart_redis()
{
    if (!redis_up_) return;
    redis_up_ = false;
    ++connection_;
    push(now_ + random_.between(2'000, 200'000), does::redis_returns);
    if (random_.chance(by_.lost_writes)) redis_.restore(random_.chance(0.8) ? saved_ : purge_redis_model::data{});
    redis_.run_id = std::string(40, static_cast<char>('0' + ++runs_));
    old_master_.reset();
}

/// A replica took over for a while and was written to; now its old master is back as it was. Who knew of the other
/// epoch is the first to call.
void cache_world::old_master_returns()
{
    if (!redis_up_) return;
    ++connection_;
    if (!old_master_) {
        old_master_ = redis_.stored();
        old_master_run_ = std::exchange(redis_.run_id, std::string(40, static_cast<char>('a' + ++runs_ % 6)));
        return push(now_ + random_.between(300'000, 1'000'000), does::trouble, master_back);
    }
    redis_.restore(*std::exchange(old_master_, std::nullopt));
    redis_.run_id = old_master_run_;
    std::uint64_t known = 0;
    for (const auto& each : workers_) known = std::max(known, each.log.known_epoch());
    redis_.now_us = by_.no_clock ? 0 : now_ + redis_offset_;
    static_cast<void>(redis_.head(known));
}

void cache_world::start_worker(std::string name)
{
    auto& made = workers_.emplace_back();
    made.name = std::move(name);
    made.incarnation =
        left_out_ == what_if::members_are_places ? made.name : "incarnation-" + std::to_string(workers_.size());
    made.offset = random_.between(-3'000'000, 3'000'000);
    made.drift_ppm = random_.between(-5000, 5000);
    made.turned = now_;
    push(now_ + random_.between(10, 2000), does::renewal_due, 0, workers_.size() - 1);
    made.renewal_set = true;
}

boot_time cache_world::clock(const worker& of) const
{
    return boot_time{std::chrono::microseconds{now_ + of.offset + now_ * of.drift_ppm / 1'000'000}};
}

boot_time cache_world::clock_for_lease(const worker& of) const
{
    if (left_out_ != what_if::lease_by_stale_clock) return clock(of);
    return boot_time{std::chrono::microseconds{of.turned + of.offset + of.turned * of.drift_ppm / 1'000'000}};
}

}  // namespace shoal::test
