#pragma once
// The commands that Redis has not answered: in the order in which they were sent, and by deadline.

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "common/redis/value.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <cstddef>
#include <deque>
#include <optional>

namespace shoal::redis {

/// The coroutine that waits for an outcome.
using waiter = boost::asio::async_result<boost::asio::use_awaitable_t<>, void(result<value>)>::handler_type;

/// Who asks decides what an error reply becomes: scripts want to see NOSCRIPT, the handshake every error.
enum class purpose : std::uint8_t { command, script, handshake };

struct pending {
    /// Empty once the caller knows the outcome; the command stays here until its reply comes or its connection ends.
    std::optional<waiter> caller;
    boot_time sent;
    boot_time deadline;
    purpose why = purpose::command;

    boost::intrusive::list_member_hook<> order_hook;
    boost::intrusive::set_member_hook<> deadline_hook;
};

/// Slots are reused: nothing is allocated once as many were in flight as ever are.
class in_flight {
public:
    in_flight() = default;
    ~in_flight();
    in_flight(const in_flight&) = delete;
    in_flight& operator=(const in_flight&) = delete;

    /// The reference is valid until remove(). `sent` does not decrease from call to call.
    pending& add(std::optional<waiter>&& caller, boot_time sent, boot_time deadline, purpose why);
    void remove(pending& command);

    /// The next command whose deadline is not after `now`, once for each; it stays in flight.
    [[nodiscard]] pending* next_expired(boot_time now);

    [[nodiscard]] std::optional<boot_time> earliest_deadline() const;
    /// When the command was sent that has waited longest.
    [[nodiscard]] std::optional<boot_time> oldest() const;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    struct earlier {
        bool operator()(const pending& a, const pending& b) const noexcept { return a.deadline < b.deadline; }
    };
    using order_list = boost::intrusive::list<
        pending, boost::intrusive::member_hook<pending, boost::intrusive::list_member_hook<>, &pending::order_hook>>;
    using deadline_set = boost::intrusive::multiset<
        pending, boost::intrusive::member_hook<pending, boost::intrusive::set_member_hook<>, &pending::deadline_hook>,
        boost::intrusive::compare<earlier>>;

    std::deque<pending> slots_;
    order_list free_;
    order_list sent_;
    deadline_set deadlines_;
    std::size_t size_ = 0;
};

}  // namespace shoal::redis
