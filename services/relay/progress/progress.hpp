#pragma once
// How far the relay is: which transactions are to be written to Redis, which are to be written again since others can
// see them by now, and up to where PostgreSQL may forget (rules 1 and 2 of the relay: services/relay/README.md).

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/relay/progress/snapshot.hpp"
#include "services/relay/protocol/messages.hpp"

namespace shoal::relay {

/// Buckets of the purge log, packed as it has them; and by what name a client asks whether they are there.
struct purge_set {
    std::string hard;
    std::string soft;
    /// That the transaction emitted; empty without.
    std::string token{};

    [[nodiscard]] bool purges() const noexcept { return !hard.empty() || !soft.empty(); }
    [[nodiscard]] bool empty() const noexcept { return !purges() && token.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return hard.size() + soft.size() + token.size(); }
};

class progress {
public:
    /// Of who reads no replicas.
    static constexpr lsn everywhere = ~lsn{0};

    /// `from`: everything before was done by who had the slot before.
    explicit progress(lsn from = 0) : received_{from} {}

    /// A committed transaction, in the order of the log. `marks`: what it changes of views (views/marks.hpp).
    void received(std::uint32_t xid, lsn end, purge_set tags, std::vector<std::string> marks = {});
    /// There is nothing more up to there.
    void passed(lsn end);
    /// Taken after what it may see was received. Replicas that others read have `replayed` so far: what a snapshot sees
    /// can be seen once they have it as well.
    void seen(const snapshot& by, lsn replayed = everywhere);

    /// What one write to Redis is about; its sets live until written() or not_written().
    struct batch {
        std::vector<const purge_set*> sets;
        /// Of those that are done once it is written.
        struct emitted_token {
            std::string_view name;
            lsn end = 0;
        };
        std::vector<emitted_token> tokens;
        /// What purged() is at least, once it is written.
        lsn done = 0;
        [[nodiscard]] bool empty() const noexcept { return sets.empty(); }
    };
    /// Those never written, and those to be written again; at most about `most` bytes, and one transaction at least.
    [[nodiscard]] batch next(std::size_t most);
    /// The batch is in Redis. What was visible before it was taken is done.
    void written();
    void not_written();

    /// What one round of views is about: all that `by` sees and whose views are not done. Lives until views_written()
    /// or views_not_written().
    struct views_batch {
        std::vector<const std::vector<std::string>*> marks;
        /// What viewed() is at least, once it is written.
        lsn viewed = 0;
    };
    [[nodiscard]] views_batch next_views(const snapshot& by);
    void views_written();
    void views_not_written();
    /// A transaction that others can see waits for its views.
    [[nodiscard]] bool views_wanted() const noexcept;

    [[nodiscard]] lsn received() const noexcept { return received_; }
    /// Everything before is purged.
    [[nodiscard]] lsn purged() const noexcept;
    /// Everything before is in the views.
    [[nodiscard]] lsn viewed() const noexcept;
    /// Everything before is purged, and in the views: what PostgreSQL may be told.
    [[nodiscard]] lsn done() const noexcept;
    /// Of what was received and may be seen, nothing is left to be written, as `by` tells it.
    [[nodiscard]] bool caught_up(const snapshot& by) const noexcept;
    /// The same of views.
    [[nodiscard]] bool views_caught_up(const snapshot& by) const noexcept;
    [[nodiscard]] bool unseen() const noexcept;
    /// The end of the first one that only replicas lack.
    [[nodiscard]] std::optional<lsn> unreplayed() const noexcept;
    /// Transactions that are not done, wherever in the log they are, and their tags.
    [[nodiscard]] std::size_t open() const noexcept { return open_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    struct transaction {
        std::uint32_t xid;
        /// Where all that was received before it ends: with it the first one that is not done says how far all is.
        lsn before;
        lsn end;
        purge_set tags;
        bool on_primary = false;
        std::vector<std::string> marks;
        std::size_t bytes = 0;
        bool visible = false;
        /// In the batch that is on its way, and as one that is the last.
        bool in_batch = false;
        bool last = false;
        bool written = false;
        bool done = false;
        bool in_views_batch = false;
        bool viewed = false;
    };

    void forget_done();
    template <class Counts>
    [[nodiscard]] lsn end_of_prefix(Counts counts) const noexcept;

    /// In the order of the log. Those that are done are gone, also from behind one that can't be seen for long; the
    /// others stay where they are in memory.
    std::list<transaction> open_;
    lsn received_;
    std::size_t bytes_ = 0;
};

/// What the batch purges, each part for one script: at most `most` bytes, a multiple of a bucket's four. An empty one
/// alone where there are tokens and nothing to purge.
[[nodiscard]] std::vector<purge_set> in_parts(const progress::batch& of, std::size_t most);

}  // namespace shoal::relay
