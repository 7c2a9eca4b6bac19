#pragma once
// A fill that workers share while it comes in: one leads, the others follow through Redis. A leader that nobody waits
// for writes nothing there but its lock.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/core/bytes.hpp"
#include "common/core/clock.hpp"
#include "services/cache/memory/stored.hpp"

namespace shoal::cache {

/// The head of a response on its way in, as followers in other workers need it.
struct shared_head {
    /// What is going to be stored, without its body. Its stamp is the leader's, who sent the request.
    stored_ptr kept;
    /// Header lines of a client's answer without the status line, where they are not those of `kept`.
    std::string lines;
    std::optional<std::uint64_t> length;
};

/// Held by the worker that fetches. No call waits; what can't be written is left out, and followers see that it ended.
/// The lock is kept up until it is dropped: a process that dies loses it within two seconds.
class fill_leader {
public:
    virtual ~fill_leader() = default;

    /// At the head of a response that may be stored; left out, nobody follows but by waiting.
    virtual void begin(shared_head head) = 0;
    /// Each piece of the body. While somebody follows, about `second_level_settings::largest` bytes are kept for who
    /// comes late; who is further behind loses it.
    virtual void add(shared_bytes piece) = 0;
    /// The body is complete. After second_level::put(), so that those who wait find what was stored.
    virtual void end(std::string trailers) = 0;
    /// Another worker follows, or did a second ago: the rest of the body is wanted though nobody here reads it.
    [[nodiscard]] virtual bool followed() const noexcept = 0;
    /// Everybody fetches for themselves for a while.
    virtual void uncacheable(std::chrono::milliseconds lasts) = 0;
};

/// Held by who waits for another worker's fill.
class fill_follower {
public:
    enum class step : std::uint8_t {
        /// `head` is set; at most once, before any piece.
        head,
        /// `piece` is set.
        piece,
        /// The body is complete; `trailers` is set.
        end,
        /// It is over without having been streamed: look what was stored, and else acquire again.
        released,
        /// Found not to be cacheable: fetch.
        nobodys,
        /// The leader failed or died, or Redis is away, or this worker was too slow. After `head` the answer can't be
        /// completed from here.
        lost,
        /// Nothing happened until the deadline.
        waiting,
    };
    struct news {
        step what = step::waiting;
        std::optional<shared_head> head;
        shared_bytes piece;
        std::string trailers;
    };

    virtual ~fill_follower() = default;

    /// What comes next; at most 5 ms after it is in Redis. Nothing comes after end, released, nobodys and lost.
    [[nodiscard]] virtual boost::asio::awaitable<news> next(boot_time deadline) = 0;
};

}  // namespace shoal::cache
