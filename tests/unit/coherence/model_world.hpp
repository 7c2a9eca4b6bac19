#pragma once
// A fleet of caches in simulated time: the product's log_follower, acknowledgement and fill rules, between clients, an
// origin whose content changes, a second level, and a Redis that are made up. Workers die, stand still and are
// replaced; Redis restarts, forgets, and answers late; every clock runs at a pace of its own.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "common/coherence/acknowledgement.hpp"
#include "common/coherence/fills.hpp"
#include "common/coherence/log_follower.hpp"
#include "tests/support/purge_redis_model.hpp"
#include "tests/unit/coherence/model_plan.hpp"

namespace shoal::test {

inline constexpr std::size_t most_keys = 3;

/// What a life had in it, and what it must never have.
struct outcome {
    /// Answers older than a purge that was acknowledged before their request began.
    int violations = 0;
    int answers = 0;
    int first_level = 0;
    int second_level = 0;
    int stale = 0;
    int followed = 0;
    int fetched_again = 0;
    int validated = 0;
    int acknowledged = 0;
    int fenced = 0;
    int joins = 0;
    int gaps = 0;

    void add(const outcome& other);
};

class cache_world {
public:
    cache_world(const plan& by, std::uint64_t seed, what_if left_out = what_if::as_built);
    [[nodiscard]] outcome run();

private:
    using us = std::int64_t;
    enum class does : std::uint8_t {
        request_comes,
        edit,
        trouble,
        start,
        end,
        redis_returns,
        // of a worker; these wait while it stands still
        handle,
        redis_answers,
        entry_arrives,
        renewal_due,
        look_due,
        second_level_answers,
        origin_answers,
        drain,
        // elsewhere
        redis_runs,
        second_level_runs,
        origin_reads,
    };
    struct event {
        us at = 0;
        std::uint64_t order = 0;
        does what{};
        std::uint32_t index = 0;
        std::uint32_t worker = 0;

        bool operator<(const event& other) const { return at != other.at ? at > other.at : order > other.order; }
    };

    struct object {
        coherence::stamp since;
        int version = 0;
        std::uint64_t fill = 0;
        us expires = 0;
    };
    struct request {
        std::size_t key = 0;
        us begun = 0;
        /// The worker's clock when it came.
        boot_time received;
        int hard_needed = 0;
        int soft_needed = 0;
        int tries = 0;
    };
    struct waiter {
        std::uint32_t request = 0;
        coherence::fill_ticket ticket;
    };
    struct fill {
        std::size_t key = 0;
        std::optional<boot_time> sent;
        coherence::stamp since;
        std::optional<object> validates;
        bool conditional = false;
        std::vector<waiter> waiters;
        // what comes back
        std::optional<object> found;
        bool failed = false;
        bool confirmed = false;
        int version = 0;
    };
    struct purge_made {
        bool soft = false;
        std::array<int, most_keys> covers{};
        std::string hard;
        std::string soft_buckets;
    };
    struct open_purge {
        coherence::acknowledgement progress;
        std::uint32_t of = 0;
    };
    enum class asks : std::uint8_t { head, table, renew, purge, reports, forget, leave };
    struct call {
        asks what{};
        std::uint32_t connection = 0;
        us sent = 0;
        boot_time sent_by_worker;
        bool too_late = false;
        bool ran = false;
        std::uint64_t known = 0;
        coherence::stamp reports;
        std::string report;
        std::uint32_t purge = 0;
        std::vector<coherence::acknowledgement::member> members;
        // what comes back
        coherence::stamp head;
        std::size_t offset = 0;
        std::string table;
        std::vector<purge_redis_model::entry> entries;
        std::vector<std::optional<std::string>> reported;
    };
    struct arrival {
        purge_redis_model::entry what;
        std::uint32_t connection = 0;
    };
    struct second_level_call {
        std::uint32_t fill = 0;
        std::size_t key = 0;
        bool writes = false;
        std::optional<std::uint64_t> replaces;
        object what;
    };
    struct worker {
        bool alive = true;
        bool draining = false;
        us offset = 0;
        us drift_ppm = 0;
        us paused_until = 0;
        us cut_until = 0;
        us turned = 0;
        us last_run = 0;
        std::string name;
        std::string incarnation;
        coherence::log_follower log{coherence::lease_terms{}, 3};
        bool busy = false;
        bool renewal_set = false;
        std::uint64_t renewals = 0;
        coherence::stamp reported;
        /// Read before the head, where that rule is left out.
        std::string early_table;
        std::vector<open_purge> purges;
        bool asking = false;
        us pause_us = 1000;
        std::array<std::optional<object>, most_keys> kept;
        std::array<std::int64_t, most_keys> running{-1, -1, -1};
        std::array<std::vector<std::uint32_t>, most_keys> next;
    };

    // model_world.cpp: time, clients, the origin, trouble
    void push(us at, does what, std::size_t index = 0, std::size_t whose = 0);
    void dispatch(const event& next);
    void of_worker(const event& next);
    void schedule_all();
    [[nodiscard]] us some_time();
    [[nodiscard]] us latency();
    [[nodiscard]] std::optional<std::size_t> any_worker(bool owned);
    void request_comes(std::size_t key);
    void edit();
    void trouble(std::size_t which);
    void pause_worker(worker& one);
    void restart_redis();
    void old_master_returns();
    void start_worker(std::string name);
    [[nodiscard]] boot_time clock(const worker& of) const;
    [[nodiscard]] boot_time clock_for_lease(const worker& of) const;

    // model_log.cpp: a worker and Redis
    std::size_t send(std::size_t which, call made);
    void run_call(std::size_t index, std::size_t which);
    void answered(std::size_t index, std::size_t which);
    void follow(std::size_t which);
    void followed(std::size_t which, bool heard);
    void heard_head(std::size_t which, call& of);
    void heard_table(std::size_t which, call& of);
    void heard_renewal(std::size_t which, call& of);
    void arrived(std::size_t which, arrival& what);
    bool apply(worker& at, const purge_redis_model::entry& what);
    [[nodiscard]] std::string relevant(const worker& at, const std::string& buckets) const;
    void progressed(std::size_t which);
    void leave(std::size_t which);

    // model_purges.cpp: purges, and what waits for them
    void begin_purge(std::size_t which, bool soft, std::size_t key, bool shared);
    void purge_written(std::size_t which, call& of);
    void look(std::size_t which);
    void heard_reports(std::size_t which, call& of);
    void conclude(std::size_t which);

    // model_cache.cpp: requests and fills
    void handle(std::size_t which, std::uint32_t asked);
    void answer(worker& at, std::uint32_t asked, int version, bool stale);
    [[nodiscard]] coherence::standing judge(const worker& at, const object& what, std::size_t key) const;
    [[nodiscard]] bool servable_stale(const worker& at, coherence::standing of) const;
    [[nodiscard]] std::optional<coherence::fill_ticket> join(const worker& at, const request& asked,
                                                             const fill& of) const;
    [[nodiscard]] coherence::standing follow_fill(const worker& at, const fill& of, const waiter& one) const;
    void begin_fill(std::size_t which, std::size_t key, std::vector<waiter> for_whom);
    void send_to_origin(std::size_t which, std::uint32_t index, bool conditional);
    void second_level_answered(std::size_t which, std::uint32_t index);
    void run_second_level(const second_level_call& made, std::size_t which);
    void origin_answered(std::size_t which, std::uint32_t index);
    void failed(std::size_t which, fill& of);
    void store(std::size_t which, const fill& of, const object& made);
    void end_fill(std::size_t which, std::uint32_t index);

    plan by_;
    what_if left_out_;
    fast_dice random_;
    us now_ = 10'000'000;
    us end_ = 0;
    std::uint64_t order_ = 0;
    std::priority_queue<event> events_;

    purge_redis_model redis_;
    purge_redis_model::data saved_;
    std::optional<purge_redis_model::data> old_master_;
    std::string old_master_run_;
    bool redis_up_ = true;
    std::uint32_t connection_ = 0;
    us redis_offset_ = 0;
    int runs_ = 0;

    std::deque<worker> workers_;
    std::deque<call> calls_;
    std::deque<arrival> arrivals_;
    std::deque<request> requests_;
    std::deque<fill> fills_;
    std::deque<purge_made> purges_;
    std::deque<second_level_call> second_level_calls_;
    std::array<std::optional<object>, most_keys> second_level_;
    std::array<int, most_keys> version_{};
    std::array<bool, most_keys> weak_{};
    std::array<int, most_keys> hard_needed_{};
    std::array<int, most_keys> soft_needed_{};
    std::array<std::array<coherence::tag, 2>, most_keys> tags_{};
    std::uint64_t fills_made_ = 0;
    std::size_t next_edited_ = 0;
    outcome made_;
};

}  // namespace shoal::test
