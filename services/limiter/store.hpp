#pragma once
// Where decisions are made: from a worker's memory while a lease or a remembered refusal holds, else in Redis.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/limiter/lease.hpp"
#include "services/limiter/outcome.hpp"
#include "services/limiter/recent.hpp"
#include "services/limiter/rule.hpp"
#include "services/limiter/store_cells.hpp"
#include "services/limiter/store_flight.hpp"
#include "services/limiter/store_slots.hpp"
#include "services/limiter/store_windows.hpp"

namespace shoal::redis {
class client;
}

namespace shoal::limiter {

/// What undoes a take of store::take_tentatively.
struct receipt {
    std::int64_t cost = 0;
    /// gcra
    settlement cells;
    /// window: of which the cost was taken.
    window taken_in;
};

/// `by` and `key` live until the awaited call returns. Errors of all: those of redis::client, and
/// deadline_exceeded when nothing was done because it was too late.
class store {
public:
    /// The client lives longer. `timeout` bounds a script, in Redis' time as well.
    store(redis::client& state, std::chrono::milliseconds timeout);

    using taken = std::variant<outcome, boost::asio::awaitable<result<outcome>>>;

    /// gcra and window. An outcome when memory can tell. Not repeated after redis_outcome_unknown: the cells may
    /// have been taken.
    [[nodiscard]] taken take(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline);
    /// The same key within 5 minutes gets the first outcome and takes nothing. May be repeated after any error.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> take_once(const rule& by, std::string_view key,
                                                                    std::int64_t cost, std::string_view idempotency_key,
                                                                    boot_time deadline);
    /// As take, and `undo` gives it back.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> take_tentatively(const rule& by, std::string_view key,
                                                                           std::int64_t cost, boot_time deadline,
                                                                           receipt& into);
    /// Best effort and never repeated: what can't be given back is capacity lost, not a limit broken.
    [[nodiscard]] boost::asio::awaitable<void> undo(const rule& by, std::string_view key, receipt of);

    /// Every algorithm; takes nothing. `granted` says whether `cost` would be.
    [[nodiscard]] boost::asio::awaitable<result<outcome>> peek(const rule& by, std::string_view key, std::int64_t cost,
                                                               boot_time deadline);
    /// gcra and window: at most what the key still owes. Not repeated after redis_outcome_unknown.
    [[nodiscard]] boost::asio::awaitable<result<refunded>> refund(const rule& by, std::string_view key,
                                                                  std::int64_t cost, boot_time deadline);
    /// Every algorithm. Returns when no worker remembers the key as it was: up to 50 ms after it was forgotten.
    [[nodiscard]] boost::asio::awaitable<result<void>> forget(const rule& by, std::string_view key, boot_time deadline);

    /// concurrency
    [[nodiscard]] slot_store& slots() noexcept { return slots_; }

    /// Gives back what is leased and not spent; nothing is taken afterwards.
    [[nodiscard]] boost::asio::awaitable<void> drain();

    /// Keys of which something is remembered.
    [[nodiscard]] std::size_t remembered() const noexcept { return accounts_.size() + refusals_.size(); }

private:
    struct keeper {
        account of;
        /// Set while a lease or a crowd's cells are asked for: others of the key wait for that.
        std::shared_ptr<flight> asking;
    };
    /// A refusal of a window rule.
    struct refusal_seen {
        outcome said;
        std::int64_t cost = 0;
        std::int64_t version = 0;
        std::int64_t at_us = 0;
        std::int64_t until_us = 0;
    };
    using decided = boost::asio::awaitable<result<outcome>>;

    [[nodiscard]] taken take_in_window(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline);
    [[nodiscard]] decided ask_window(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline);
    [[nodiscard]] decided ask_cell(const rule& by, std::string tag, std::int64_t cost, boot_time deadline);
    [[nodiscard]] decided ask_for_many(const rule& by, std::string tag, ask asked, std::shared_ptr<flight> others);
    /// Decides for who waited, as far as memory can tell; the first one that it can't tell asks for the rest.
    void land(std::string_view tag, flight& of, bool failed);
    /// Everybody who waited asks alone.
    void disperse(std::string_view tag, flight& of);

    [[nodiscard]] ask next(const rule& by, std::string_view tag, std::int64_t cost);
    struct answered {
        cell_reply reply;
        outcome made;
    };
    [[nodiscard]] boost::asio::awaitable<result<answered>> operate(const rule& by, std::string_view tag, ask asked,
                                                                   boot_time deadline,
                                                                   std::string_view idempotency_key = {});
    /// What remembers the key from now on, if anything has to.
    keeper* learn(const rule& by, std::string_view tag, const ask& asked, const ruling& heard, std::int64_t sent_us);
    [[nodiscard]] standing standing_now(std::string_view tag, const cell_reply& from, std::int64_t cost);

    server_clock clock_;
    cell_store cells_;
    window_store windows_;
    slot_store slots_;
    recent<keeper> accounts_;
    recent<refusal_seen> refusals_;
    /// The tag of the request at hand; kept for its memory.
    std::string tag_;
};

}  // namespace shoal::limiter
