#pragma once
// The purge log in Redis: follows it, holds the lease that says until when the worker's position counts, and writes
// purges to it. Survives Redis' absence, restart and loss of data (then: a new epoch).

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/coherence/purge_table.hpp"
#include "common/coherence/terms.hpp"
#include "common/coherence/view.hpp"
#include "common/coherence/write_token.hpp"
#include "common/core/error.hpp"
#include "common/purge_log/calls.hpp"
#include "common/purge_log/write_waits.hpp"
#include "common/worker/service.hpp"

namespace shoal::coherence {

struct purge {
    std::vector<tag> tags;
    bool soft = false;
};

/// What is told to whoever asked for a purge.
struct purge_receipt {
    stamp at;
    /// Names of places, as "cache-1", that had applied it when it was acknowledged, and those whose lease ran out
    /// instead.
    std::vector<std::string> confirmed;
    std::vector<std::string> fenced;
    std::chrono::nanoseconds took{0};
};

class purge_log final : public coherence_view {
public:
    /// Destroy it after stop(), and before the loop or after it has run to its end.
    explicit purge_log(const worker::context& from, lease_terms terms = {});
    ~purge_log() override;

    /// Joins the log and follows it until drain().
    void start();
    /// Leaves the members: no purge waits for this worker any more. The lease is given up first.
    [[nodiscard]] boost::asio::awaitable<void> drain();
    /// Gives the lease up and ends everything, without a word to Redis: also after drain().
    void stop();

    /// Returns when every live worker has applied it or its lease has run out. Purges that are asked for while one is
    /// on its way share the next one's sequence. After redis_outcome_unknown the purge may or may not hold: repeating
    /// it is safe. Without tags there is nothing to do, and nothing to ask of Redis.
    [[nodiscard]] boost::asio::awaitable<result<purge_receipt>> acknowledge(purge what);

    /// For operators: at most `count` purges up to that sequence, the newest first.
    [[nodiscard]] boost::asio::awaitable<result<std::vector<logged_purge>>> history(std::uint64_t up_to,
                                                                                    std::size_t count);
    /// The sequences of the last purges of a tag, or of another one of its bucket.
    [[nodiscard]] purge_table::cell last(tag of) const noexcept;
    /// True once every transaction of the database up to that of the token has had that effect here; false when that
    /// is not so by `until`, or can't be known: without a lease, or of a token that nobody knows. Redis is asked at
    /// once, and again and again, in one question for all that wait.
    [[nodiscard]] boost::asio::awaitable<bool> reach(effect wanted, write_token token, boot_time until);

    [[nodiscard]] bool current(boot_time now) const noexcept override;
    [[nodiscard]] stamp position() const noexcept override;
    [[nodiscard]] boot_time relayed_at() const noexcept override;
    [[nodiscard]] boot_time viewed_at() const noexcept override;
    [[nodiscard]] lsn purged() const noexcept override;
    [[nodiscard]] lsn viewed() const noexcept override;
    [[nodiscard]] standing judge(const stamp& of, std::span<const tag> tags) const noexcept override;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::coherence
