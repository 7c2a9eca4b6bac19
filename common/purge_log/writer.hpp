#pragma once
// Writes purges to the log, those that come meanwhile together, and waits until each may be acknowledged.

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/coherence/acknowledgement.hpp"
#include "common/core/error.hpp"
#include "common/purge_log/calls.hpp"
#include "common/purge_log/purge_log.hpp"

namespace shoal::metrics {
class counter;
class histogram;
}  // namespace shoal::metrics

namespace shoal::coherence {

class purge_log_writer {
public:
    /// `progressed` is called when a purge's reply moved the follower: onwards, or out of its epoch. All references
    /// live longer.
    purge_log_writer(const worker::context& from, const lease_terms& terms, purge_log_calls& calls,
                     log_follower& follower, std::function<void()> progressed);

    [[nodiscard]] boost::asio::awaitable<result<purge_receipt>> acknowledge(purge what);

private:
    /// What becomes one entry of the log.
    struct batch {
        explicit batch(boost::asio::io_context& loop) : over{loop, boost::asio::steady_timer::time_point::max()} {}

        std::string hard;
        std::string soft;
        boost::system::error_code failure;
        std::optional<acknowledgement> progress;
        bool done = false;
        /// Cancelled when it is.
        boost::asio::steady_timer over;
    };
    using batch_ptr = std::shared_ptr<batch>;

    [[nodiscard]] std::vector<batch_ptr> enqueue(const purge& what);
    [[nodiscard]] static boost::asio::awaitable<void> wait(batch_ptr of);
    [[nodiscard]] boost::asio::awaitable<void> write();
    void written(const batch_ptr& which, const purge_reply& reply);
    [[nodiscard]] boost::asio::awaitable<void> watch();
    [[nodiscard]] boost::asio::awaitable<void> ask_members();
    [[nodiscard]] bool conclude();
    [[nodiscard]] boost::asio::awaitable<void> forget_fenced(std::vector<acknowledgement::member> members);
    [[nodiscard]] boost::asio::awaitable<void> forget(std::vector<acknowledgement::member> members);
    static void finish(batch& which);

    boost::asio::io_context& loop_;
    runtime::task_group& tasks_;
    log::logger& log_;
    lease_terms terms_;
    std::string incarnation_;
    purge_log_calls& calls_;
    log_follower& follower_;
    std::function<void()> progressed_;
    metrics::counter& purges_;
    metrics::histogram& seconds_;

    std::deque<batch_ptr> queue_;
    bool writing_ = false;
    std::list<batch_ptr> open_;
    bool watching_ = false;
    boost::asio::steady_timer next_look_;
};

}  // namespace shoal::coherence
