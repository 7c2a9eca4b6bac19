#pragma once
// The hardest that workers could do to one cell: lease, spend, give back and take in any order, at no latency, and
// none of it for a reason. What account does is a part of it.

#include "tests/unit/limiter/model_fleet.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace shoal::test {

struct game_rules {
    /// Relative to the other moves, which are about 10.
    int refunds = 0;
    int deletes = 0;
    int steps_back = 0;
    int moves = 60;
};

class lease_game {
public:
    lease_game(const limiter::rate& by, const game_rules& rules, std::uint64_t seed,
               what_if left_out = what_if::as_built);

    /// `admitted` and `allowed`; the rest of it is not filled in.
    [[nodiscard]] history play();

private:
    struct hand {
        /// The last one, or cells of a crowd: those are gone when it is over.
        std::optional<limiter::settlement> lease;
        std::int64_t until_us = 0;
        /// Sent, and not yet run.
        std::optional<limiter::settlement> on_its_way;
    };

    void move();
    void lease(hand& of);
    void spend(hand& of);
    void give_back(hand& of);
    void take(std::int64_t cost);
    void take_and_undo(hand& of);
    void take_all();
    limiter::decision run(const limiter::ask& asked);

    limiter::rate by_;
    game_rules rules_;
    what_if left_out_;
    dice random_;
    redis_model redis_;
    std::int64_t now_us_ = 0;
    std::int64_t redis_offset_us_ = 0;
    std::vector<hand> hands_;
    history made_;
};

}  // namespace shoal::test
