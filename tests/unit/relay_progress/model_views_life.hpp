#pragma once
// A relay that keeps views as well as purges, in simulated time: the product's progress, snapshots and follower of the
// purge log, between a primary with a standby, a Redis that forgets what it was told last, and readers that name what
// they wrote. The relay dies and another takes over at any moment; what it had sent may arrive long after that.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/coherence/log_follower.hpp"
#include "services/relay/progress/progress.hpp"
#include "tests/support/dice.hpp"
#include "tests/unit/relay_progress/model_database.hpp"
#include "tests/unit/relay_progress/model_redis.hpp"

namespace shoal::test {

/// A part of a rule that is left out (services/relay/README.md has the rules).
enum class left_out : std::uint8_t {
    nothing,
    // 2
    waiting_for_replicas,
    voiding_after_replicas,
    // 5
    purged_with_the_last_write,
    applying_before_purged,
    applying_before_tokens,
    // 9
    one_snapshot,
    stream_of_the_snapshot,
    one_script,
    purges_of_entries,
    viewed_when_written,
    // 10
    fence,
    // 11
    recomputing_what_is_listed,
    ready_with_the_last,
    listing_after_attaching,
    listing_again,
    // 12
    new_generation,
    // 13
    comparing_positions,
    epoch_of_positions,
    epoch_of_views,
    epoch_of_attaching,
    // 14
    catching_up_of_views,
    claims_of_their_own,
};

struct views_outcome {
    /// What it must never have: a reader who names its write gets an older page, or an older view; Redis says of views
    /// what is not so; a view goes back; half of a transaction; a claim that is false; another view than SQL's, a page
    /// older than it, or no end in the end.
    int old_page = 0;
    int old_view = 0;
    int viewed_falsely = 0;
    int went_back = 0;
    int halves = 0;
    int claimed_falsely = 0;
    int differs = 0;
    int kept_stale = 0;
    int stuck = 0;
    /// What it had.
    int transactions = 0;
    int takeovers = 0;
    int takeovers_in_fill = 0;
    int went_on = 0;
    int voided = 0;
    int late = 0;
    int restarts = 0;
    int rounds = 0;
    int filled = 0;
    int claims = 0;
    int asked_after = 0;
    int from_replica = 0;

    [[nodiscard]] int violations() const
    {
        return old_page + old_view + viewed_falsely + went_back + halves + claimed_falsely + differs + kept_stale +
               stuck;
    }
    void add(const views_outcome& other);
};

class views_life {
public:
    views_life(std::uint64_t seed, left_out without);
    [[nodiscard]] views_outcome run();

private:
    using lsn = relay::lsn;
    using script = model_redis::script;
    using rows_listed = std::vector<std::size_t>;

    /// On its way to Redis.
    struct call {
        script what{};
        /// What it says, if it comes about.
        lsn position = 0;
        bool claims = false;
    };
    struct kept_view {
        std::uint64_t generation = 0;
        bool ready = false;
        bool announced = false;
        bool wants_fill = false;
    };
    struct filling {
        std::size_t view = 0;
        rows_listed rows{};
        model_database::versions listed{};
    };
    struct round {
        model_database::sight with;
        std::vector<std::size_t> fill{};
        std::optional<call> writing{};
        /// Of one that is not whole: what comes in the next script.
        std::vector<script> rest{};
        bool fills_last = false;
    };
    struct page {
        coherence::stamp at;
        coherence::tag tag = 0;
        /// Below zero: nothing is there.
        int version = 0;
        bool fetched = false;
    };

    void step();
    void settle();

    // model_views_relay.cpp: the relay
    [[nodiscard]] bool stage_is_following() const noexcept;
    void die();
    void begin_again();
    void attach_on();
    void make_slot();
    void attach(bool views);
    void begin_to_follow();
    void attach_views();
    void follow_on();
    void receive();
    void look();
    void publish();
    void beat();
    void beat_ends();
    void keep_views();
    void begin_round();
    void compute();
    void round_ends();
    void void_view(std::size_t which);
    void add_directory(script& to);
    [[nodiscard]] bool arrives(const script& what);
    [[nodiscard]] script written_under_its_epoch(std::function<void(model_redis_state&)> what, bool checked) const;
    [[nodiscard]] bool without(left_out which) const noexcept { return left_out_ == which; }

    // model_views_readers.cpp: who reads, and what must hold
    void read();
    void read_page();
    void read_view();
    void ask_after();
    void check();
    void check_claim(std::uint64_t time);
    void check_end();
    [[nodiscard]] bool is_older(std::size_t row, int version, int least) const;
    [[nodiscard]] bool current(const page& what) const;
    [[nodiscard]] bool has(std::size_t transaction) const;

    fast_dice random_;
    left_out left_out_;
    bool asynchronous_;
    bool replicas_;
    bool quiet_ = false;
    std::uint64_t now_ = 1;
    model_database database_;
    model_redis redis_{};
    std::vector<script> late_{};

    // the slot
    bool slot_ = true;
    lsn confirmed_ = 0;
    std::optional<lsn> confirming_{};

    // the relay
    int stage_ = 0;
    std::uint64_t fence_ = 0;
    std::uint64_t epoch_ = 0;
    bool new_slot_ = false;
    bool goes_on_ = false;
    bool views_go_on_ = false;
    lsn to_replay_ = 0;
    std::optional<rows_listed> listed_before_{};
    relay::progress progress_{};
    std::size_t sent_ = 0;
    std::optional<call> publishing_{};
    std::optional<call> beating_{};
    lsn purged_said_ = 0;
    lsn viewed_said_ = 0;
    std::optional<model_database::sight> views_sight_{};
    std::uint64_t clock_ = 0;
    std::uint64_t views_claim_ = 0;
    std::array<kept_view, model_views> views_{};
    std::optional<filling> fill_{};
    std::optional<round> round_{};

    // readers
    coherence::log_follower worker_;
    std::vector<page> pages_{};
    std::vector<page> answers_{};
    std::array<model_database::versions, model_views> newest_{};
    views_outcome made_{};
};

}  // namespace shoal::test
