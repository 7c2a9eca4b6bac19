#pragma once
// What cell.lua keeps of one key, without Redis.

#include "services/limiter/lease.hpp"

#include <cstdint>
#include <optional>

namespace shoal::test {

/// A rule of the design that is left out, to see what it is for.
enum class what_if {
    as_built,
    // in Redis
    charged_at_once,
    simply_clamped,
    clamped_without_leases,
    settled_as_if_alone,
    returned_not_counted,
    cut_keeps_generation,
    generation_kept,
    not_converted,
    judged_by_own_rule,
    not_healed,
    // in a worker
    stale_clock,
    lease_from_reply,
    spent_while_settled,
    settlement_repeated,
    handed_to_all,
    leased_to_anyone,
    refusals_not_held,
    refusals_not_remembered,
};

class redis_model {
public:
    /// `to_anyone`: not only who is alone gets a lease. The limit does not depend on that.
    explicit redis_model(what_if left_out, bool to_anyone = false)
        : left_out_{left_out}, to_anyone_{to_anyone || left_out == what_if::leased_to_anyone}
    {
    }

    [[nodiscard]] limiter::ruling run(const limiter::ask& asked, const limiter::rate& own, std::int64_t own_version,
                                      std::int64_t now_us);
    void forget(std::int64_t now_us);

private:
    struct stored {
        limiter::cell of;
        limiter::rate by;
        std::int64_t version = 0;
        std::int64_t expires_ms = 0;
    };

    void expire(std::int64_t now_us);
    [[nodiscard]] limiter::cell under(const limiter::rate& by, std::int64_t now_us) const;
    [[nodiscard]] limiter::decision lease(const limiter::rate& by, const std::optional<limiter::cell>& from,
                                          const limiter::ask& asked, std::int64_t now_us) const;
    [[nodiscard]] limiter::decision decide(const limiter::rate& by, std::optional<limiter::cell> from,
                                           limiter::ask asked, std::int64_t now_us) const;
    void store(const limiter::rate& by, std::int64_t version, const limiter::cell& made, std::int64_t now_us);

    what_if left_out_;
    bool to_anyone_;
    std::optional<stored> kept_;
};

}  // namespace shoal::test
