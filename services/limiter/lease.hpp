#pragma once
// What one worker remembers of one key for at most lease_span_us(): cells that it leased, and that there were none.
// Pure: the clock is an argument, in microseconds of the worker's own clock (CLOCK_BOOTTIME), read after the
// request's last byte.

#include <cstdint>
#include <optional>

#include "services/limiter/gcra.hpp"
#include "services/limiter/outcome.hpp"

namespace shoal::limiter {

/// What Redis replied to one ask.
struct ruling {
    decision made;
    /// The rate of the newest version of the rule that the cell has seen, and that version.
    rate judged;
    std::int64_t version = 0;
    /// Redis' time of the decision.
    std::int64_t now_us = 0;
};

class account {
public:
    /// Counts a request; how many there are decides how much is leased.
    void arrived(const rate& by, std::int64_t cost, std::int64_t now_us) noexcept;

    /// Spends from the lease, or refuses while a refusal is remembered; nothing when Redis has to be asked.
    /// `version` is the rule's.
    [[nodiscard]] std::optional<outcome> decide(std::int64_t version, std::int64_t cost, std::int64_t now_us) noexcept;

    /// How the key stands while a lease lasts, for one who takes nothing; nothing when Redis has to be asked.
    [[nodiscard]] std::optional<outcome> peek(std::int64_t version, std::int64_t cost,
                                              std::int64_t now_us) const noexcept;

    /// What to ask Redis for `cost`. It carries what is left of the lease, which from now on is empty, and shows
    /// whether this worker is alone with the key.
    /// `waiting` is what others have asked for who wait for this. An ask with a crowd is made one at a time.
    [[nodiscard]] ask next(const rate& by, std::int64_t cost, std::int64_t waiting, std::int64_t now_us) noexcept;
    /// For one of the crowd that waited when the last ask was sent.
    [[nodiscard]] std::optional<outcome> hand_out(std::int64_t cost, std::int64_t now_us) noexcept;
    /// Only what is left of the lease.
    [[nodiscard]] std::optional<settlement> surrender() noexcept;

    /// `asked` was sent at `sent_us`, the reply was read at `now_us`; `version` is that of the rule that asked.
    void learn(std::int64_t version, const ask& asked, const ruling& heard, std::int64_t sent_us,
               std::int64_t now_us) noexcept;

    void forget() noexcept;

    /// By what was learned last. A refused lone client that waits `retry_after_us` is granted: it covers what
    /// this account refuses meanwhile.
    [[nodiscard]] standing standing_at(std::int64_t cost, std::int64_t now_us) const noexcept;

private:
    [[nodiscard]] std::int64_t wanted(const rate& by, std::int64_t cost, std::int64_t now_us) const noexcept;

    /// Redis' clock less ours when it replied; at most the true one, so that nothing is told too early.
    std::int64_t offset_us_ = 0;
    std::int64_t round_trip_us_ = 0;
    rate judged_;
    std::int64_t version_ = 0;
    cell known_;
    std::int64_t known_until_us_ = 0;
    /// Refusals last until as many cells as were wanted would be there.
    std::int64_t held_until_us_ = 0;
    /// Of the last ask with a crowd, which may have got no lease.
    std::optional<settlement> lease_;
    /// Since when nobody else has moved the cell; 0 if somebody has.
    std::int64_t alone_since_us_ = 0;
    std::int64_t lease_until_us_ = 0;
    /// Cells asked for since `since_us_`, and in the span before.
    std::int64_t since_us_ = 0;
    std::int64_t current_ = 0;
    std::int64_t previous_ = 0;
};

}  // namespace shoal::limiter
