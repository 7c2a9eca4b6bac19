#include "tests/unit/limiter/model_fleet.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace shoal::test {
namespace {

using namespace limiter;

/// When a worker gives up on a reply.
constexpr std::int64_t timeout_us = 100'000;

}  // namespace

// A worker, as store.cpp.

void fleet_model::handle(std::size_t asker)
{
    const request& one = requests_[asker];
    worker& at = workers_[one.worker];
    if (at.life != one.life) return;
    if (at.paused_until_us > now_us_) return push(at.paused_until_us, event_kind::handle, asker);
    if (one.kind == purpose::take) return take(asker);
    ask_other(asker);
}

void fleet_model::ask_other(std::size_t asker)
{
    const request& one = requests_[asker];
    worker& at = workers_[one.worker];
    if (one.kind == purpose::forget) {
        send(one.worker, one.kind, {}, asker);
        return;
    }
    const bool takes = one.kind == purpose::tentative;
    ask asked = at.remembers.next(rule(at.version), takes ? one.cost : 0, 0, clock(at, now_us_));
    asked.crowd = takes ? one.cost : 0;
    asked.wanted = 0;
    if (one.kind == purpose::refund) asked.refund = one.cost;
    send(one.worker, one.kind, asked, asker);
}

/// From memory, if that can tell.
bool fleet_model::decide(std::size_t asker)
{
    const request& one = requests_[asker];
    worker& at = workers_[one.worker];
    const auto at_us = left_out_ == what_if::stale_clock ? one.read_us : now_us_;
    const auto made = at.remembers.decide(at.version, one.cost, clock(at, at_us));
    if (!made) return false;
    if (!made->granted && left_out_ == what_if::refusals_not_remembered) return false;
    if (made->granted) made_.admitted.push_back({now_us_, one.cost});
    answer(asker, made->granted, made->after.retry_after_us);
    return true;
}

void fleet_model::take(std::size_t asker)
{
    const request& one = requests_[asker];
    worker& at = workers_[one.worker];
    const rate& by = rule(at.version);
    made_.asked_cells += one.cost;
    if (most_leased(by) >= 2) at.remembers.arrived(by, one.cost, clock(at, now_us_));
    if (at.asking)
        at.asking->waiting.push_back(asker);
    else if (!decide(asker))
        ask_cell(asker, nullptr);
}

void fleet_model::ask_cell(std::size_t asker, std::shared_ptr<flight> others)
{
    const request& one = requests_[asker];
    worker& at = workers_[one.worker];
    ask asked = at.remembers.next(rule(at.version), one.cost, others ? count_crowd(*others) : 0, clock(at, now_us_));
    if (left_out_ == what_if::leased_to_anyone && asked.crowd > 0)
        asked.wanted = std::max(asked.crowd, arrived_lately(one.worker) / 2);
    const auto index = send(one.worker, purpose::take, asked, asker);
    if (asked.crowd > 0) {
        if (!others) others = std::make_shared<flight>();
        at.asking = calls_[index].lands = std::move(others);
    } else if (others) {
        disperse(at, *others);
    }
}

std::int64_t fleet_model::arrived_lately(std::size_t which) const
{
    const auto since_us = now_us_ - lease_span_us(rule(workers_[which].version));
    std::int64_t cells = 0;
    for (auto one = requests_.rbegin(); one != requests_.rend() && one->read_us > since_us; ++one)
        if (one->worker == which) cells += one->cost;
    return cells;
}

std::int64_t fleet_model::count_crowd(flight& of) const
{
    of.counted = of.waiting.size();
    return std::accumulate(of.waiting.begin(), of.waiting.end(), std::int64_t{0},
                           [this](auto sum, auto asker) { return sum + requests_[asker].cost; });
}

void fleet_model::disperse(worker& at, flight& of)
{
    const auto waiting = std::exchange(of.waiting, {});
    if (at.asking.get() == &of) at.asking.reset();
    for (const auto asker : waiting) ask_cell(asker, nullptr);
}

/// For one of the crowd, what was taken for it counts from then; the others came later.
bool fleet_model::hand_out(const call& from, std::size_t asker)
{
    const request& one = requests_[asker];
    worker& at = workers_[one.worker];
    const auto made = at.remembers.hand_out(one.cost, clock(at, now_us_));
    if (!made) return false;
    made_.admitted.push_back({std::max(from.executed_us, one.read_us), one.cost});
    answer(asker, true, 0);
    return true;
}

void fleet_model::land(std::size_t index, bool failed)
{
    const auto landed = calls_[index].lands;
    if (!landed) return;
    worker& at = workers_[calls_[index].worker];
    const auto waiting = std::exchange(landed->waiting, {});
    std::shared_ptr<flight> next;
    std::size_t leader = 0;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        const auto asker = waiting[i];
        const bool counted = i < landed->counted || left_out_ == what_if::handed_to_all;
        if (failed || now_us_ >= requests_[asker].deadline_us) {
            answer(asker, false, timeout_us);
        } else if ((counted && hand_out(calls_[index], asker)) || decide(asker)) {
            continue;
        } else if (next) {
            next->waiting.push_back(asker);
        } else {
            leader = asker;
            next = std::make_shared<flight>();
        }
    }
    at.asking = next;
    if (next) ask_cell(leader, next);
}

void fleet_model::answer(std::size_t asker, bool granted, std::int64_t retry_after_us)
{
    const request& one = requests_[asker];
    ++made_.decisions;
    if (one.waited) {
        ++made_.waited;
        if (!granted) ++made_.waited_in_vain;
    }
    if (!by_.lone_client || to_come_ <= 0) return;
    lone_waits_ = !granted;
    // Told in milliseconds, rounded up; who was granted comes again soon.
    const double soon = static_cast<double>(rule(1).period_us) / static_cast<double>(rule(1).limit) / by_.load;
    const auto wait = granted ? random_.about(soon) : (retry_after_us + 999) / 1000 * 1000;
    push(now_us_ + wait, event_kind::arrive, 0);
}

std::size_t fleet_model::send(std::size_t which, purpose kind, const ask& asked, std::size_t asker)
{
    worker& from = workers_[which];
    call made{.worker = which,
              .life = from.life,
              .kind = kind,
              .asked = asked,
              .version = from.version,
              .asker = asker,
              .sent_us = clock(from, now_us_)};
    if (kind == purpose::drain) made.version = -1;
    made.runs = !random_.chance(by_.lost_calls);
    made.heard = made.runs && !random_.chance(by_.lost_replies);
    const auto latency = [this] {
        return random_.chance(by_.slow)
                   ? random_.of_any_size(by_.usual_latency_us, by_.longest_latency_us)
                   : by_.least_latency_us + random_.about(static_cast<double>(by_.usual_latency_us));
    };
    from.last_run_us = std::max(from.last_run_us, now_us_ + latency());
    from.last_reply_us = std::max(from.last_reply_us, from.last_run_us + latency());
    const auto index = calls_.size();
    if (made.runs) push(from.last_run_us, event_kind::execute, index);
    push(made.heard ? from.last_reply_us : now_us_ + timeout_us, event_kind::hear, index);
    ++made_.calls;
    calls_.push_back(std::move(made));
    return index;
}

// Replies.

void fleet_model::hear(std::size_t index)
{
    call& one = calls_[index];
    worker& at = workers_[one.worker];
    if (at.life != one.life) return;
    if (at.paused_until_us > now_us_) return push(at.paused_until_us, event_kind::hear, index);
    if (one.kind == purpose::drain || one.kind == purpose::direct) return;
    if (!one.heard) {
        fail(one);
        return land(index, true);
    }
    if (one.kind == purpose::forget) return at.remembers.forget();
    learn(one);
    conclude(one);
    land(index, false);
}

void fleet_model::learn(const call& one)
{
    worker& at = workers_[one.worker];
    ask asked = one.asked;
    if (left_out_ == what_if::refusals_not_held) asked.wanted = 0;
    const auto now = clock(at, now_us_);
    at.remembers.learn(one.version, asked, one.ruled, left_out_ == what_if::lease_from_reply ? now : one.sent_us, now);
}

void fleet_model::fail(const call& one)
{
    if (one.kind == purpose::take) answer(one.asker, false, timeout_us);
    if (left_out_ == what_if::settlement_repeated && one.asked.settles)
        send(one.worker, purpose::undo, {.settles = one.asked.settles});
}

void fleet_model::conclude(call& one)
{
    const auto& made = one.ruled.made;
    worker& at = workers_[one.worker];
    if (one.kind == purpose::take) {
        const auto told = at.remembers.standing_at(one.asked.cost, clock(at, now_us_));
        answer(one.asker, made.granted, told.retry_after_us);
    }
    if (one.kind != purpose::tentative || !made.granted || !random_.chance(0.5)) return;
    made_.admitted[one.admission - 1].cells = 0;
    const settlement all{.before = made.before,
                         .after = made.after,
                         .granted = one.asked.cost,
                         .unspent = one.asked.cost,
                         .version = one.ruled.version};
    send(one.worker, purpose::undo, {.settles = all});
}

}  // namespace shoal::test
