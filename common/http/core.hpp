#pragma once
// What the sessions and listeners of one server share.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include "common/core/clock.hpp"
#include "common/http/concurrency_limit.hpp"
#include "common/http/exchange.hpp"
#include "common/http/instruments.hpp"
#include "common/http/router.hpp"
#include "common/http/server.hpp"
#include "common/http/session.hpp"
#include "common/http/wire.hpp"

namespace shoal::http {

/// Who answers what a server's sessions read.
using responder = std::variant<router, stream_handler>;

/// Shared by the server and its sessions, so that a loop that is torn down after the server finds it.
/// The references it holds are used only while the server lives.
class core : public std::enable_shared_from_this<core> {
public:
    core(boost::asio::io_context& loop, server_options chosen, responder answers, runtime::task_group& tasks,
         log::logger& log, metrics::registry& metrics);

    /// Takes an accepted, non-blocking socket.
    void adopt(int descriptor, int family);
    /// Starts the timer that looks at every session's deadline.
    void start_sweeping();
    void stop_sweeping_when_done();
    /// "0123456789ab-42" in `storage`.
    [[nodiscard]] std::string_view make_id(std::array<char, 40>& storage) noexcept;

    boost::asio::io_context& loop;
    const server_options options;
    const responder answers;
    runtime::task_group& tasks;
    log::logger& log;
    instruments metrics;

    std::chrono::nanoseconds slow;
    bool draining = false;
    std::optional<concurrency_limit> waiting;
    /// When the next request may be begun, of a server that is made slow.
    boot_time next_turn;
    /// The server is gone, and with it perhaps log and metrics.
    bool orphaned = false;
    std::size_t listening = 0;
    std::size_t in_flight = 0;
    std::size_t connections = 0;
    boot_time last_request;
    date_line date;
    std::string fixed_lines;
    boost::intrusive::list<session, boost::intrusive::constant_time_size<false>> sessions;
    /// Where bytes go that nobody wants.
    std::array<char, 16 * 1024> discarded;

private:
    void sweep();

    boost::asio::steady_timer sweep_timer_;
    std::chrono::milliseconds sweep_interval_;
    bool sweeping_ = false;
    std::string id_prefix_;
    std::uint64_t next_id_ = 0;
};

}  // namespace shoal::http
