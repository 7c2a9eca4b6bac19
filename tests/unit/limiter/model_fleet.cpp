#include "tests/unit/limiter/model_fleet.hpp"

#include <algorithm>
#include <utility>

namespace shoal::test {
namespace {

using namespace limiter;

constexpr std::int64_t boot_us = 1'000'000'000;
constexpr std::int64_t epoch_us = 1'763'822'000'000'000;

}  // namespace

fleet_model::fleet_model(const plan& by, std::uint64_t seed, what_if left_out)
    : by_{by}, left_out_{left_out}, random_{seed}, redis_{left_out}, to_come_{by.requests}
{
    workers_.resize(static_cast<std::size_t>(by.workers));
    for (auto& one : workers_) {
        one.offset_us = random_.between(0, boot_us);
        one.drift_ppm = random_.between(-by.most_drift_ppm, by.most_drift_ppm);
    }
    for (const auto& one : by.rules) {
        longest_lease_us_ = std::max(longest_lease_us_, lease_span_us(one));
        largest_burst_ = std::max(largest_burst_, one.burst);
    }
    made_.reigns.resize(by.rules.size());
}

std::int64_t fleet_model::clock(const worker& of, std::int64_t at_us) const
{
    return boot_us + of.offset_us + at_us + at_us * of.drift_ppm / 1'000'000;
}

const rate& fleet_model::rule(std::int64_t version) const
{
    static const rate any;
    return version < 1 ? any : by_.rules[static_cast<std::size_t>(version - 1)];
}

void fleet_model::push(std::int64_t at_us, event_kind kind, std::size_t index, std::int64_t extra)
{
    events_.push({.at_us = at_us, .order = ++order_, .kind = kind, .index = index, .extra = extra});
}

history fleet_model::run()
{
    if (by_.exhausted) (void)redis_.run({.cost = rule(1).burst}, rule(1), 1, epoch_us);
    push(0, event_kind::arrive, 0);
    while (!events_.empty()) {
        const event next = events_.top();
        events_.pop();
        now_us_ = next.at_us;
        dispatch(next);
    }
    made_.ended_us = now_us_;
    // What a crowd got counts from when it was taken, which is known later.
    std::stable_sort(made_.admitted.begin(), made_.admitted.end(),
                     [](const auto& a, const auto& b) { return a.at_us < b.at_us; });
    return std::move(made_);
}

void fleet_model::dispatch(const event& next)
{
    switch (next.kind) {
    case event_kind::arrive: return arrive();
    case event_kind::handle: return handle(next.index);
    case event_kind::execute: return execute(next.index);
    case event_kind::hear: return hear(next.index);
    case event_kind::adopt: return adopt(next.index, next.extra);
    case event_kind::revive: workers_[next.index].alive = true;
    }
}

// Clients and what befalls the fleet.

void fleet_model::schedule_arrival()
{
    if (to_come_ <= 0 || by_.lone_client) return;
    const rate& by = rule(newest_);
    const double mean_cost = static_cast<double>(1 + by_.most_cost) / 2;
    double load = by_.load;
    if (by_.varying) {
        const int phase = to_come_ / 50 % 3;
        load *= phase == 0 ? 0.33 : phase == 1 ? 1 : 4;
    }
    if (by_.bunched > 0) load /= 1 + by_.bunched * 11;
    const double gap = static_cast<double>(by.period_us) / static_cast<double>(by.limit) * mean_cost / load;
    push(now_us_ + random_.about(gap), event_kind::arrive, 0);
}

void fleet_model::arrive()
{
    if (random_.chance(by_.floods)) return flood();
    const int several = random_.chance(by_.bunched) ? 12 : 1;
    for (int i = 0; i < several; ++i) arrive_one();
    trouble();
    schedule_arrival();
}

void fleet_model::arrive_one()
{
    --to_come_;
    if (random_.chance(by_.owned))
        latest_ = 0;
    else if (!random_.chance(by_.following))
        latest_ = static_cast<std::size_t>(random_.between(0, by_.workers - 1));
    for (std::size_t tried = 0; !workers_[latest_].alive && tried < workers_.size(); ++tried)
        latest_ = (latest_ + 1) % workers_.size();
    const rate& by = rule(workers_[latest_].version);
    std::int64_t cost = random_.between(1, std::min(by_.most_cost, by.burst));
    if (lone_waits_) cost = requests_.back().cost;
    if (random_.chance(by_.large_costs)) cost = random_.between(1, by.burst);
    auto kind = purpose::take;
    if (random_.chance(by_.tentative)) kind = purpose::tentative;
    if (random_.chance(by_.peeks)) kind = purpose::peek;
    if (random_.chance(by_.refunds)) {
        kind = purpose::refund;
        cost = random_.between(1, by.burst);
    }
    if (random_.chance(by_.deletes)) kind = purpose::forget;
    arrive_at(latest_, kind, cost);
}

void fleet_model::arrive_at(std::size_t which, purpose kind, std::int64_t cost)
{
    const worker& at = workers_[which];
    if (!at.alive) return;
    requests_.push_back(
        {.worker = which,
         .life = at.life,
         .kind = kind,
         .cost = cost,
         .read_us = now_us_,
         .deadline_us = random_.chance(by_.hurried) ? now_us_ + random_.of_any_size(100, 100'000) : INT64_MAX,
         .waited = std::exchange(lone_waits_, false)});
    if (at.paused_until_us > now_us_)
        push(at.paused_until_us, event_kind::handle, requests_.size() - 1);
    else
        handle(requests_.size() - 1);
}

void fleet_model::flood()
{
    const rate& by = rule(newest_);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        // Who asks for half and half again gets all that there is.
        for (std::int64_t cost = by.burst; cost > 0 && i == latest_; cost /= 2)
            send(i, purpose::direct, {.cost = cost});
        for (std::int64_t left = most_leased(by); left > 0; --left) arrive_at(i, purpose::take, 1);
    }
    to_come_ -= 10;
    if (to_come_ > 0) push(now_us_ + random_.between(0, 6 * lease_span_us(by)), event_kind::arrive, 0);
}

void fleet_model::trouble()
{
    worker& one = workers_[static_cast<std::size_t>(random_.between(0, by_.workers - 1))];
    if (random_.chance(by_.pauses)) one.paused_until_us = now_us_ + random_.of_any_size(1'000, 200'000);
    if (random_.chance(by_.evictions)) {
        one.remembers = {};
        one.asking.reset();
    }
    if (one.alive && random_.chance(by_.kills)) kill(one);
    if (one.alive && random_.chance(by_.drains)) drain(one);
    if (newest_ < static_cast<std::int64_t>(by_.rules.size()) && random_.chance(0.01)) {
        ++newest_;
        for (std::size_t i = 0; i < workers_.size(); ++i)
            push(now_us_ + random_.of_any_size(10, 100'000), event_kind::adopt, i, newest_);
    }
    step_clock();
}

void fleet_model::step_clock()
{
    const rate& by = rule(newest_);
    if (random_.chance(by_.steps_forward)) {
        const auto step = random_.of_any_size(100, 10'000'000);
        redis_offset_us_ += step;
        made_.allowed.push_back({now_us_, std::min(by.burst, step * by.limit / by.period_us + 1)});
    }
    if (random_.chance(by_.steps_back)) redis_offset_us_ -= random_.of_any_size(100, 10'000'000);
}

void fleet_model::kill(worker& one)
{
    const auto left = one.remembers.surrender();
    one.lost = left ? left->unspent : 0;
    made_.most_lost = std::max(made_.most_lost, one.lost);
    one.remembers = {};
    one.asking.reset();
    one.alive = false;
    ++one.life;
    // A new process has a new connection, and the clock is the host's.
    one.last_run_us = one.last_reply_us = 0;
    push(now_us_ + random_.of_any_size(10, 300'000), event_kind::revive,
         static_cast<std::size_t>(&one - workers_.data()));
}

void fleet_model::drain(worker& one)
{
    const auto which = static_cast<std::size_t>(&one - workers_.data());
    if (const auto left = one.remembers.surrender(); left && left->unspent > 0)
        send(which, purpose::drain, {.settles = left});
    kill(one);
}

void fleet_model::adopt(std::size_t which, std::int64_t version)
{
    worker& one = workers_[which];
    one.version = std::max(one.version, version);
    // It may overtake the one before.
    const auto index = static_cast<std::size_t>(version - 1);
    for (std::size_t i = 0; i < index; ++i) made_.reigns[i].until_us = std::min(made_.reigns[i].until_us, now_us_);
    auto& reign = made_.reigns[index];
    reign.from_us = std::max(reign.from_us, now_us_);
}

// Redis.

void fleet_model::execute_forget()
{
    redis_.forget(epoch_us + now_us_ + redis_offset_us_);
    made_.allowed.push_back({now_us_, largest_burst_});
}

void fleet_model::execute(std::size_t index)
{
    // Redis runs no two commands in one microsecond; generations rely on it.
    if (now_us_ <= last_executed_us_) return push(last_executed_us_ + 1, event_kind::execute, index);
    last_executed_us_ = now_us_;
    call& one = calls_[index];
    if (one.kind == purpose::forget) return execute_forget();
    for (std::size_t i = static_cast<std::size_t>(std::max<std::int64_t>(one.version, 0)); i < made_.reigns.size(); ++i)
        if (one.version > 0) made_.reigns[i].from_us = std::max(made_.reigns[i].from_us, now_us_);
    one.ruled = redis_.run(one.asked, rule(one.version), one.version, epoch_us + now_us_ + redis_offset_us_);
    const auto& made = one.ruled.made;
    if (made.refunded > 0) made_.allowed.push_back({now_us_, made.refunded});
    made_.settled_cells += made.returned;
    if (!made.granted || made.cells == 0) return;
    one.executed_us = now_us_;
    one.leased = made.leased ? made.cells - one.asked.cost : 0;
    made_.leases += made.leased ? 1 : 0;
    made_.crowds += made.cells > one.asked.cost && !made.leased ? 1 : 0;
    worker& from = workers_[one.worker];
    if (from.life == one.life + 1 && !from.alive) {
        from.lost += one.leased;
        made_.most_lost = std::max(made_.most_lost, from.lost);
    }
    made_.admitted.push_back({now_us_, one.asked.cost});
    one.admission = made_.admitted.size();
}

}  // namespace shoal::test
