#pragma once
// What a service is to the frame that runs it: a section of the configuration, a table of routes, and for a service
// that stands before other sites a handler of everything that comes to them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "common/http/exchange.hpp"
#include "common/http/router.hpp"
#include "common/redis/options.hpp"

namespace shoal::config {
class object;
}
namespace shoal::log {
class logger;
}
namespace shoal::metrics {
class registry;
}
namespace shoal::redis {
class client;
}
namespace shoal::runtime {
class task_group;
}

namespace shoal::worker {

/// What a running worker lends to its service; it all outlives the service's last coroutine.
struct context {
    boost::asio::io_context& loop;
    runtime::task_group& tasks;
    log::logger& log;
    metrics::registry& metrics;
    /// Redis instance `state`.
    redis::client& state;
    /// The longest that a command of `state` may take.
    std::chrono::milliseconds state_timeout;
    /// Redis instance `l2`; null when the worker was given none. A worker serves without waiting for it.
    redis::client* l2 = nullptr;
    /// For a further connection to `state`, under a name of its own.
    redis::options state_options{};
    /// As "cache-1": the place, not the process.
    std::string worker_name{};
    /// 32 hexadecimal digits, drawn when the process began.
    std::string incarnation{};
};

/// What the configuration says beside a service's own section.
struct facts {
    /// Grows with each change of what the operator wrote, not with the number of workers; 0 in a file of none.
    std::int64_t version = 0;
    /// How many workers of the service the fleet has.
    std::int64_t workers = 1;
};

/// How a process that is about to take a place over reaches the one that has it.
struct succession {
    /// The private socket of the place: whoever answers there is the process before this one.
    std::string admin_path;
    /// Asked to stop once nobody waits any more.
    std::stop_token over{};
};

class service {
public:
    virtual ~service() = default;

    /// As in services/<name>, in the configuration and in shoal-<name>.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// Reads the service's section and notes what is wrong with it. Returns what puts it in force, which the
    /// frame calls only when the whole configuration is right: once before start() and at each reload.
    [[nodiscard]] virtual std::function<void()> read(config::object& section, const facts& known) = 0;

    /// The configuration in force, for /-/config; without secrets.
    [[nodiscard]] virtual nlohmann::json effective() const = 0;

    /// Called once, on the loop's thread, before anything listens. Returns the public routes.
    [[nodiscard]] virtual std::vector<http::route> start(const context& from) = 0;

    /// Answers everything that comes to the sockets of --listen-site, whatever its path; empty for a service that has
    /// no such front. Asked for once, after start(), when there is such a socket.
    [[nodiscard]] virtual http::stream_handler site_handler() { return {}; }

    /// More paths for the worker's private socket, each below /-/; asked for once, after start().
    [[nodiscard]] virtual std::vector<http::route> admin_routes() { return {}; }

    /// Brings back what the process before this one had in memory. Awaited once, when Redis has answered and nothing
    /// listens yet, for at most the time of --warm-deadline and until the worker is told to end: then it takes the
    /// place over with what there is.
    [[nodiscard]] virtual boost::asio::awaitable<void> warm(succession) { co_return; }

    /// Gives back what the worker holds in Redis. Awaited for at most a second when a draining worker has answered
    /// its last public connection and Redis is still connected; left out when the drain was cut short.
    [[nodiscard]] virtual boost::asio::awaitable<void> drain() { co_return; }

    /// Called once, when the loop has ended and no coroutine is left: lets go of everything that hangs on what the
    /// context lent.
    virtual void end() noexcept {}
};

/// Runs one worker from its command line to its exit code: 0 drained, or its place belongs to a newer process;
/// 1 could not start; 2 wrong usage. `main` is nothing but a call of this.
[[nodiscard]] int run(int argc, char** argv, service& what);

}  // namespace shoal::worker
