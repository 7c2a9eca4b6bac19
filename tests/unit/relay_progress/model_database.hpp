#pragma once
// A primary and a standby in simulated time: rows of a few keys in versions, which become visible in another order than
// that of the log.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/relay/progress/progress.hpp"
#include "services/relay/progress/snapshot.hpp"
#include "tests/support/dice.hpp"

namespace shoal::test {

class model_database {
public:
    using lsn = relay::lsn;
    static constexpr std::size_t rows = 3;
    /// For each row how many transactions have changed it.
    using versions = std::array<int, rows>;

    enum class state : std::uint8_t { running, rolled_back, committed, visible };
    struct transaction {
        std::uint64_t xid = 0;
        /// What it makes of the rows that it changes; zero elsewhere.
        versions makes{};
        state is = state::running;
        bool asynchronous = false;
        lsn end = 0;
        std::uint64_t visible_at = 0;
    };
    struct sight {
        relay::snapshot seen;
        versions now{};
        lsn flushed = 0;
        lsn written = 0;
    };

    model_database(fast_dice& random, bool asynchronous);

    void step(std::uint64_t now);
    /// Everybody who has begun ends, and can be seen.
    void finish(std::uint64_t now);
    void replay_all() noexcept { replayed_ = flushed_; }

    [[nodiscard]] sight look() const;
    [[nodiscard]] const transaction& at(std::size_t which) const { return transactions_[which]; }
    /// Commits in the order of the log.
    [[nodiscard]] const std::vector<std::size_t>& log() const noexcept { return log_; }
    [[nodiscard]] lsn flushed() const noexcept { return flushed_; }
    [[nodiscard]] lsn written() const noexcept { return written_; }
    /// On the primary, and on the standby.
    [[nodiscard]] const versions& now() const noexcept { return now_; }
    [[nodiscard]] versions replica() const;
    [[nodiscard]] lsn replayed() const noexcept { return replayed_; }
    /// Whether the row is there in that version; none is in version zero.
    [[nodiscard]] static bool exists(std::size_t row, int version) noexcept;

private:
    void begin();
    void end_one(bool commits);
    void show_one(std::uint64_t now);
    void replay();
    [[nodiscard]] std::vector<std::size_t> all(state which) const;

    fast_dice& random_;
    bool asynchronous_;
    /// The standby.
    bool lags_;
    std::vector<transaction> transactions_{};
    std::vector<std::size_t> log_{};
    std::uint64_t next_xid_ = 1000;
    lsn written_ = 0;
    lsn flushed_ = 0;
    lsn replayed_ = 0;
    versions now_{};
};

}  // namespace shoal::test
