#pragma once
// What happens in one simulated life of a fleet of caches, and which rule it does without.

#include <cstdint>

#include "tests/support/dice.hpp"

namespace shoal::test {

/// A rule of coherence that is left out (services/cache/README.md has the rules).
enum class what_if : std::uint8_t {
    as_built,
    // common
    lease_from_reply,
    lease_by_stale_clock,
    members_are_places,
    // 1, renewal
    lease_before_all_is_applied,
    renewal_does_not_register,
    // 2, acknowledgement
    acknowledged_at_once,
    fenced_from_sending,
    members_pruned_by_server_clock,
    forgotten_though_renewed,
    gone_members_not_awaited,
    // 3, epochs
    run_not_compared,
    newer_epoch_not_forced,
    epochs_only_counted,
    // 4
    reports_of_any_epoch,
    acknowledged_quickly_in_new_epoch,
    second_level_without_epoch,
    // 5, 6
    only_present_tags,
    join_without_table,
    head_read_after_table,
    gaps_not_seen,
    // 7
    followers_not_judged,
    second_purge_hides_first,
    joined_without_lease,
    // stamps; 8
    stamped_at_reply,
    validated_stamped_at_reply,
    validated_renews_any,
    weak_validators_after_purge,
    weak_validators_without_lease,
    // 9
    purged_served_stale,
    stale_without_lease,
};

/// Times are in microseconds; probabilities are per event of the kind.
struct plan {
    int workers = 3;
    std::size_t keys = 3;
    std::int64_t length = 2'200'000;
    int requests = 25;
    int edits = 6;
    double soft = 0.25;
    /// Share of requests that go to one worker, as by hashing.
    double owned = 0.3;
    /// Of requests, those that come right before or after a purge.
    double pressing = 0.6;
    double weak_validators = 0.3;
    double use_second_level = 0.8;

    /// Of ways to Redis, and back.
    double slow = 0.05;
    std::int64_t slowest = 400'000;
    std::int64_t longest_fetch = 300'000;
    double lost_arrivals = 0.1;
    double origin_errors = 0.05;

    /// How often each of these happens.
    int pauses = 1;
    /// A worker goes on serving and does not reach Redis.
    int partitions = 0;
    std::int64_t shortest_partition = 100'000;
    int kills = 0;
    int replacements = 0;
    int drains = 0;
    int joins = 0;
    int restarts = 0;
    int masters_back = 0;
    int evictions = 2;
    int clock_steps = 0;
    double lost_writes = 0.5;
    /// Of calls, those after which all is on the disk.
    double saved = 0.2;
    /// The server's clock is that of a machine without a battery: it always begins in 1970.
    bool no_clock = false;
    std::size_t log_kept = 1000;
    std::size_t entries_at_once = 1000;
};

[[nodiscard]] plan random_plan(fast_dice& random);
/// More purges than renewals can tell of, one at a time.
[[nodiscard]] plan flooded_plan(fast_dice& random);
/// Redis takes nearly as long as a worker waits for it, and workers do not reach it for long.
[[nodiscard]] plan slow_plan(fast_dice& random);
/// Redis restarts again and again, forgets what it wrote, and does not know the time.
[[nodiscard]] plan forgetful_plan(fast_dice& random);
/// Redis restarts while purges wait for members that do not reach it, and goes back to long ago.
[[nodiscard]] plan interrupted_plan(fast_dice& random);

}  // namespace shoal::test
