#pragma once
// What the scripts of the purge log and of the relay make of Redis (services/relay/store), a fence and an epoch before
// each. It may begin again with a prefix of what was written.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/coherence/log_follower.hpp"
#include "services/relay/progress/progress.hpp"
#include "tests/support/dice.hpp"
#include "tests/unit/relay_progress/model_database.hpp"

namespace shoal::test {

constexpr std::size_t model_views = 2;
/// Rows are tags of pages; then come the entries of views, the views, and everything.
constexpr coherence::tag view_entry_tag(std::size_t view, std::size_t row)
{
    return model_database::rows * (1 + view) + row;
}
constexpr coherence::tag whole_view_tag(std::size_t view)
{
    return model_database::rows * (1 + model_views) + view;
}
constexpr coherence::tag everything_tag = whole_view_tag(model_views);

struct model_redis_state {
    using lsn = relay::lsn;

    struct directory_entry {
        std::uint64_t generation = 0;
        bool ready = false;
        std::uint64_t epoch = 0;
    };
    /// For each row the version that it was computed from, absent ones too; below zero where nothing was written.
    using entries = std::array<int, model_database::rows>;

    std::uint64_t epoch = 1;
    std::uint64_t sequence = 0;
    std::vector<std::vector<coherence::tag>> log;

    std::uint64_t fence = 0;
    /// Zero before a relay has attached.
    std::uint64_t attached = 0;
    lsn position = 0;
    bool views_source = false;
    lsn purged = 0;
    lsn viewed = 0;
    std::uint64_t views_claim = 0;
    /// Transactions whose tokens are known, and where they end.
    std::map<std::size_t, lsn> tokens;
    std::array<std::optional<directory_entry>, model_views> directory;
    std::array<std::map<std::uint64_t, entries>, model_views> generations;

    void purge(std::vector<coherence::tag> tags);
    /// What the scripts of readers take for a view that counts.
    [[nodiscard]] const directory_entry* open(std::size_t view) const;
    [[nodiscard]] entries read(std::size_t view) const;
};

class model_redis {
public:
    struct script {
        std::uint64_t fence = 0;
        bool fenced = true;
        /// False where it refuses, which changes nothing.
        std::function<bool(model_redis_state&)> run{};
    };

    [[nodiscard]] const model_redis_state& now() const noexcept { return now_; }
    bool run(const script& what);
    /// As the server is after a restart: some of what was written last is gone, and the epoch is another one.
    void restart(fast_dice& random);
    [[nodiscard]] std::uint64_t fresh() noexcept { return ++counted_; }

    /// A worker's renewal, or what it does in place of one that finds a gap.
    void renew(coherence::log_follower& worker, std::uint64_t time) const;

private:
    model_redis_state now_;
    std::vector<model_redis_state> before_;
    std::uint64_t counted_ = 1;
};

}  // namespace shoal::test
