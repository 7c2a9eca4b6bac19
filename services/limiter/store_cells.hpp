#pragma once
// Cells in Redis: what cell.lua does, in one verb.

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/limiter/lease.hpp"
#include "services/limiter/rule.hpp"
#include "services/limiter/store_clock.hpp"

namespace shoal::redis {
class client;
}

namespace shoal::limiter {

struct cell_reply {
    ruling heard;
    /// The first reply for an Idempotency-Key, of `heard.now_us`.
    bool replayed = false;
    /// It ran after its caller had given up, and did nothing.
    bool late = false;
    /// The Idempotency-Key had another cost: nothing else is set.
    bool other_cost = false;
};

class cell_store {
public:
    /// Both live longer.
    cell_store(redis::client& state, server_clock& clock) : state_{state}, clock_{clock} {}

    /// The key's part of every Redis key: the braces keep all that belongs to it in one slot. The rule's name has
    /// no ':', so that rule and key can't run into each other.
    static void append_tag(std::string& to, const rule& by, std::string_view key);

    /// `tag` is of append_tag. Without `asked.crowd` the reply has no settlement in it. Not repeated after
    /// redis_outcome_unknown unless there is an idempotency key. Views live until the awaited call returns.
    [[nodiscard]] boost::asio::awaitable<result<cell_reply>> run(std::string_view tag, const rule& by, const ask& asked,
                                                                 boot_time deadline,
                                                                 std::string_view idempotency_key = {});
    [[nodiscard]] boost::asio::awaitable<result<void>> forget(std::string_view tag, boot_time deadline);

private:
    [[nodiscard]] boost::asio::awaitable<result<cell_reply>> once(std::string_view tag, const rule& by,
                                                                  const ask& asked, boot_time deadline,
                                                                  std::string_view idempotency_key);

    redis::client& state_;
    server_clock& clock_;
};

}  // namespace shoal::limiter
