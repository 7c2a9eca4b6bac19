#pragma once
// The level behind every worker's memory: stored responses in a Redis of its own that keeps nothing for certain, and
// the locks by which workers agree who fetches. Coherence depends on neither: what comes from here is judged by its
// stamp. While Redis is away it is as if it were empty.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/core/error.hpp"
#include "services/cache/memory/stored.hpp"
#include "services/cache/memory/variant_source.hpp"
#include "services/cache/store/second_level_fill.hpp"

namespace shoal::redis {
class client;
}
namespace shoal::runtime {
class task_group;
}

namespace shoal::cache {

struct second_level_settings {
    /// Bytes of body above which nothing is kept here, nor shared while it comes in.
    std::uint64_t largest = 1024 * 1024;
    /// For a lookup and for a lock: a miss is never later than this.
    std::chrono::milliseconds patience{50};
    /// How long what can only be validated is kept beyond its last use.
    std::chrono::seconds validation{24 * 3600};
    /// What may wait to be written, in all; beyond it, it is left out.
    std::uint64_t waiting_bytes = 16 * 1024 * 1024;
    std::size_t waiting = 1'000;
};

class second_level {
public:
    struct counts {
        std::uint64_t found = 0;
        std::uint64_t not_found = 0;
        std::uint64_t written = 0;
        /// Too large, not worth it, over the bounds of what may wait, or Redis was away.
        std::uint64_t left_out = 0;
        /// Records that could not be read.
        std::uint64_t malformed = 0;
    };

    /// The references live longer. A null `redis` is one that is always away.
    second_level(boost::asio::io_context& loop, runtime::task_group& tasks, redis::client* redis,
                 second_level_settings chosen);
    ~second_level();
    second_level(const second_level&) = delete;
    second_level& operator=(const second_level&) = delete;

    /// The newest response that is kept for the key and the request, or nothing. Whoever awaits keeps `asks`.
    [[nodiscard]] boost::asio::awaitable<stored_ptr> find(std::string key, variant_source& asks);
    /// What has that record_name(), or null, with as much patience as Redis' own connection has. Fails when Redis did
    /// not answer.
    [[nodiscard]] boost::asio::awaitable<result<stored_ptr>> load(std::string name);
    /// Writes in the background. Kept until it can't be used nor validated any more.
    void put(stored_ptr what);
    /// Of a 304: takes the place of the response of `replaces`, under the same Vary, or of one that was evicted; never
    /// that of another.
    void update(stored_ptr what, fill_id replaces);

    /// Who fetches `key`.
    enum class turn : std::uint8_t {
        /// This worker, for as long as `lead` lives.
        ours,
        /// Another worker is at it; `follow` tells how it goes.
        theirs,
        /// It was found not to be cacheable a while ago: everybody fetches.
        nobodys,
        /// Redis is away: everybody fetches.
        unknown,
    };
    struct claim {
        turn whose = turn::unknown;
        std::unique_ptr<fill_leader> lead;
        std::unique_ptr<fill_follower> follow;
    };
    [[nodiscard]] boost::asio::awaitable<claim> acquire(std::string key);

    /// Redis can be asked now.
    [[nodiscard]] bool available() const noexcept;

    [[nodiscard]] const counts& total() const noexcept;

private:
    class impl;
    /// Shared with the tasks in the background.
    std::shared_ptr<impl> impl_;
};

}  // namespace shoal::cache
