#pragma once
// One relay in simulated time: the product's progress and snapshots, between a PostgreSQL, a Redis and caches that are
// made up. Transactions are seen in any order and any time after they are committed, what is written to Redis may fail
// or come about without an answer, and the relay dies and begins anew from what it has confirmed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/relay/progress/progress.hpp"
#include "tests/support/dice.hpp"

namespace shoal::test {

/// A rule of the relay that is left out (services/relay/README.md has the rules).
enum class without : std::uint8_t {
    nothing,
    second_write,
    /// What was written once is confirmed.
    confirming_after_second,
    /// Who is seen makes all before it in the log count as seen.
    visibility_of_each,
    /// A write that failed counts as written.
    outcome_of_writes,
    catching_up_before_claims,
    /// A look that was on its way when the clock was read proves a claim.
    looking_after_the_clock,
    /// What is flushed is taken for all that can be seen.
    asynchronous_commits,
};

struct relay_outcome {
    /// What it must never have: kept and older than what can be seen, confirmed though not done, claimed though not so,
    /// and not done in the end.
    int stale = 0;
    int confirmed_early = 0;
    int claimed_falsely = 0;
    int stuck = 0;
    /// What it had.
    int transactions = 0;
    int seen_out_of_order = 0;
    int seen_unflushed = 0;
    int crashes = 0;
    int failed_writes = 0;
    int claims = 0;
    int confirmed = 0;
    int kept = 0;

    [[nodiscard]] int violations() const { return stale + confirmed_early + claimed_falsely + stuck; }
    void add(const relay_outcome& other);
};

class relay_life {
public:
    relay_life(std::uint64_t seed, without left_out);
    [[nodiscard]] relay_outcome run();

private:
    static constexpr std::size_t tags = 3;
    using lsn = relay::lsn;

    struct transaction {
        enum class state : std::uint8_t { running, rolled_back, committed, visible };
        std::uint64_t xid = 0;
        std::vector<std::size_t> touches{};
        state is = state::running;
        bool asynchronous = false;
        lsn end = 0;
        std::uint64_t visible_at = 0;
    };
    struct copy {
        std::size_t tag = 0;
        std::uint64_t since = 0;
        int version = 0;
    };
    struct look {
        int number = 0;
        std::optional<relay::snapshot> seen{};
        lsn position = 0;
    };
    struct beat {
        std::optional<std::uint64_t> claim{};
        lsn position = 0;
    };

    void step();
    void step_of_database();
    void step_of_relay();
    void settle();

    // the database
    void begin();
    void end_one(bool commits);
    void show_one();
    [[nodiscard]] std::vector<std::size_t> all(transaction::state which) const;
    [[nodiscard]] std::string snapshot_text() const;
    void confirm();

    // the relay
    void restart();
    void receive();
    void write();
    void write_ends(bool runs, bool answered);
    void look_on();
    void beat_on();
    void prove();
    [[nodiscard]] lsn position() const;

    // Redis and caches
    void purge(const std::vector<std::size_t>& which);
    void check_claim(std::uint64_t time);
    [[nodiscard]] bool is_purged(const transaction& of) const;
    void read();

    fast_dice random_;
    without left_out_;
    std::uint64_t now_ = 0;

    std::vector<transaction> transactions_;
    /// In the log's order.
    std::vector<std::size_t> log_;
    std::uint64_t next_xid_;
    lsn written_ = 0;
    lsn flushed_ = 0;
    lsn confirmed_ = 0;
    double late_ = 0.5;

    relay::progress progress_;
    std::size_t sent_ = 0;
    std::vector<bool> once_;
    /// Transactions of the write that is on its way.
    std::vector<std::size_t> writing_;
    std::size_t most_ = 1000;
    std::optional<look> looking_;
    std::optional<look> looked_;
    int looks_ = 0;
    std::optional<beat> beating_;
    std::optional<std::uint64_t> clock_;
    int looks_at_clock_ = 0;
    bool proven_ = false;
    lsn noted_ = 0;
    std::optional<lsn> confirming_;

    std::uint64_t sequence_ = 0;
    std::array<std::uint64_t, tags> last_{};
    std::array<std::uint64_t, tags> purged_at_{};
    std::array<int, tags> version_{};
    std::vector<copy> fetching_;
    std::vector<copy> kept_;
    relay_outcome made_;
};

}  // namespace shoal::test
