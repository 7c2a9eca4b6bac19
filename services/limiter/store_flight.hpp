#pragma once
// Requests for one key that wait for another's call to Redis, instead of each making its own.

#include <cstdint>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include "common/core/clock.hpp"
#include "services/limiter/outcome.hpp"
#include "services/limiter/rule.hpp"

namespace shoal::limiter {

struct flight;

/// Lives in the coroutine that waits; leaves its flight when it is destroyed.
class waiter : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    enum class fate : std::uint8_t { late, decided, failed, asks };

    /// `under` lives longer.
    waiter(const boost::asio::any_io_executor& executor, const rule& under, std::int64_t wanted, boot_time at_most);
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    /// Returns when end() was called, or at the deadline.
    [[nodiscard]] boost::asio::awaitable<void> wait(flight& in);
    void end(fate how);

    const rule& by;
    const std::int64_t cost;
    const boot_time deadline;
    fate ended = fate::late;
    bool counted = false;
    /// When decided.
    outcome made;
    /// When it asks: who goes on waiting, for what it asks.
    std::shared_ptr<flight> leads;

private:
    boost::asio::steady_timer timer_;
};

struct flight {
    /// Adds up what they ask for, at the moment of sending: only these may share what is granted at once.
    [[nodiscard]] std::int64_t count_crowd() noexcept;

    boost::intrusive::list<waiter, boost::intrusive::constant_time_size<false>> waiting;
};

}  // namespace shoal::limiter
