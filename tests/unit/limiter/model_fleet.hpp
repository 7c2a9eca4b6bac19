#pragma once
// A fleet whose workers share one key, in simulated time: gcra.cpp and lease.cpp as store.cpp drives them, between
// clients and a Redis that are made up. Each worker has one connection, whose calls and replies keep their order, a
// clock of its own, and loses everything when it is killed.

#include "tests/unit/limiter/bound.hpp"
#include "tests/unit/limiter/model_plan.hpp"
#include "tests/unit/limiter/model_redis.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <vector>

namespace shoal::test {

struct history {
    /// In true time: in memory when the worker decided, in Redis when the script ran.
    std::vector<moved_cells> admitted;
    /// What refunds, deletes and steps of Redis' clock allow beyond the rule.
    std::vector<moved_cells> allowed;
    /// When each version of the rule is the only one that anybody asks or decides by; leases of before may last on.
    struct reign {
        std::int64_t from_us = 0;
        std::int64_t until_us = INT64_MAX;
    };
    std::vector<reign> reigns;

    std::int64_t ended_us = 0;
    std::int64_t asked_cells = 0;
    std::int64_t decisions = 0;
    std::int64_t calls = 0;
    std::int64_t waited = 0;
    std::int64_t waited_in_vain = 0;
    /// The most that one killed worker took with it.
    std::int64_t most_lost = 0;
    std::int64_t leases = 0;
    /// Calls that took for more than one.
    std::int64_t crowds = 0;
    std::int64_t settled_cells = 0;
};

class fleet_model {
public:
    fleet_model(const plan& by, std::uint64_t seed, what_if left_out = what_if::as_built);

    [[nodiscard]] history run();

private:
    enum class event_kind { arrive, handle, execute, hear, adopt, revive };
    /// `direct` is of a worker that has just begun: it knows of no lease.
    enum class purpose { take, tentative, undo, refund, peek, forget, drain, direct };

    struct event {
        std::int64_t at_us = 0;
        std::uint64_t order = 0;
        event_kind kind{};
        std::size_t index = 0;
        std::int64_t extra = 0;

        bool operator<(const event& other) const
        {
            return at_us != other.at_us ? at_us > other.at_us : order > other.order;
        }
    };
    struct request {
        std::size_t worker = 0;
        std::uint64_t life = 0;
        purpose kind{};
        std::int64_t cost = 0;
        std::int64_t read_us = 0;
        /// Of the wait for another's call.
        std::int64_t deadline_us = INT64_MAX;
        bool waited = false;
    };
    struct flight {
        std::size_t counted = 0;
        std::deque<std::size_t> waiting;
    };
    struct call {
        std::size_t worker = 0;
        std::uint64_t life = 0;
        purpose kind{};
        limiter::ask asked;
        std::int64_t version = 0;
        std::size_t asker = 0;
        std::int64_t sent_us = 0;
        bool runs = true;
        bool heard = true;
        limiter::ruling ruled{};
        /// In `admitted`, from 1.
        std::size_t admission = 0;
        std::int64_t executed_us = 0;
        std::int64_t leased = 0;
        /// Who waits for it.
        std::shared_ptr<flight> lands{};
    };
    struct worker {
        limiter::account remembers;
        std::int64_t version = 1;
        std::uint64_t life = 1;
        bool alive = true;
        std::int64_t offset_us = 0;
        std::int64_t drift_ppm = 0;
        std::int64_t paused_until_us = 0;
        std::int64_t last_run_us = 0;
        std::int64_t last_reply_us = 0;
        std::shared_ptr<flight> asking;
        /// Since the last kill: what was taken for it and is lost.
        std::int64_t lost = 0;
    };

    void push(std::int64_t at_us, event_kind kind, std::size_t index, std::int64_t extra = 0);
    void dispatch(const event& next);
    [[nodiscard]] std::int64_t clock(const worker& of, std::int64_t at_us) const;
    [[nodiscard]] const limiter::rate& rule(std::int64_t version) const;

    void arrive();
    void arrive_one();
    void arrive_at(std::size_t which, purpose kind, std::int64_t cost);
    void flood();
    void schedule_arrival();
    void trouble();
    void kill(worker& one);
    void drain(worker& one);
    void adopt(std::size_t which, std::int64_t version);
    void step_clock();

    void handle(std::size_t asker);
    void take(std::size_t asker);
    void ask_cell(std::size_t asker, std::shared_ptr<flight> others);
    [[nodiscard]] std::int64_t arrived_lately(std::size_t which) const;
    [[nodiscard]] std::int64_t count_crowd(flight& of) const;
    void disperse(worker& at, flight& of);
    bool hand_out(const call& from, std::size_t asker);
    void land(std::size_t index, bool failed);
    void answer(std::size_t asker, bool granted, std::int64_t retry_after_us);
    void ask_other(std::size_t asker);
    bool decide(std::size_t asker);

    std::size_t send(std::size_t which, purpose kind, const limiter::ask& asked, std::size_t asker = 0);
    void execute(std::size_t index);
    void execute_forget();
    void hear(std::size_t index);
    void learn(const call& one);
    void fail(const call& one);
    void conclude(call& one);

    plan by_;
    what_if left_out_;
    dice random_;
    redis_model redis_;
    std::int64_t redis_offset_us_ = 0;
    std::int64_t now_us_ = 0;
    std::int64_t last_executed_us_ = -1;
    std::uint64_t order_ = 0;
    int to_come_ = 0;
    std::size_t latest_ = 0;
    bool lone_waits_ = false;
    std::int64_t newest_ = 1;
    std::int64_t longest_lease_us_ = 0;
    std::int64_t largest_burst_ = 0;
    std::priority_queue<event> events_;
    std::vector<worker> workers_;
    std::deque<request> requests_;
    std::deque<call> calls_;
    history made_;
};

}  // namespace shoal::test
