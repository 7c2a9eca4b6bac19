#pragma once
// One server of an origin: its connections, kept, bounded and waited for, and how it is doing.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "services/cache/origin/address.hpp"
#include "services/cache/origin/alarm.hpp"
#include "services/cache/origin/connection.hpp"
#include "services/cache/origin/health.hpp"
#include "services/cache/origin/instruments.hpp"
#include "services/cache/origin/origin.hpp"
#include "services/cache/origin/resolver.hpp"
#include "services/cache/origin/waiter.hpp"

namespace shoal::cache::origin {

/// What the servers of one origin have in common; lives as long as the last of them.
struct shared_parts {
    shared_parts(boost::asio::io_context& on, settings what, log::logger& to, metrics::registry& metrics,
                 resolver_options asking = {});

    boost::asio::io_context& loop;
    settings chosen;
    log::logger& log;
    std::shared_ptr<instruments> counts;
    std::shared_ptr<alarm> deadlines;
    resolver names;
    http::response_limits reader_bounds;
};

class server;

/// The right to one of a server's connections, and the connection. Given back when it is destroyed: the connection is
/// kept if its answer was read to the end, else it is closed.
class lease {
public:
    lease() = default;
    explicit lease(std::shared_ptr<server> from) noexcept : from_{std::move(from)} {}
    lease(lease&&) noexcept = default;
    // NOLINTBEGIN(bugprone-exception-escape): out of memory ends the process
    lease& operator=(lease&& other) noexcept;
    ~lease() { give_back(); }
    // NOLINTEND(bugprone-exception-escape)

    [[nodiscard]] explicit operator bool() const noexcept { return from_ != nullptr; }
    [[nodiscard]] server& of() const noexcept { return *from_; }
    void give_back() noexcept;  // NOLINT(bugprone-exception-escape)

    std::shared_ptr<connection> on;
    /// It has served a request before.
    bool reused = false;
    /// What becomes of the request says something about the server's health; a check says so itself.
    bool telling = true;

private:
    std::shared_ptr<server> from_;
};

/// Owned by a shared_ptr.
class server final : public timed, public std::enable_shared_from_this<server> {
public:
    server(std::shared_ptr<shared_parts> parts, const std::string& text, metrics::gauge& healthy);
    ~server();

    /// A connection that is idle, or new. Where all are taken it waits for one until `wait_until`. Errors: origin_busy,
    /// origin_unreachable.
    [[nodiscard]] static boost::asio::awaitable<result<lease>> acquire(std::shared_ptr<server> self,
                                                                       boot_time wait_until, boot_time deadline);
    [[nodiscard]] bool full() const noexcept { return idle_.empty() && leased_ >= bounds().connections; }
    /// Closes those that wait for a request.
    void drop_idle();
    /// Keeps none from now on.
    void stop();

    [[nodiscard]] const health& state() const noexcept { return health_; }
    void begin_probe(boot_time now) noexcept { health_.begin_probe(now); }
    void answered();
    void succeeded();
    void passed();
    void failed(errc why);

    [[nodiscard]] const std::string& name() const noexcept { return where_.text; }
    [[nodiscard]] shared_parts& parts() const noexcept { return *parts_; }
    [[nodiscard]] const limits& bounds() const noexcept { return parts_->chosen.bounds; }

private:
    friend class lease;
    struct in_line final : waiter {
        using waiter::waiter;
        lease given;
    };
    struct kept {
        std::shared_ptr<connection> on;
        boot_time since;
    };

    void expired() override;
    [[nodiscard]] bool take_idle(lease& into);
    [[nodiscard]] boost::asio::awaitable<result<void>> connect(connection& on, boot_time deadline);
    [[nodiscard]] boost::asio::awaitable<result<void>> connect_to_any(connection& on, addresses known,
                                                                      boot_time deadline);
    void take_back(std::shared_ptr<connection> on) noexcept;  // NOLINT(bugprone-exception-escape)
    void note_health(bool before);

    std::shared_ptr<shared_parts> parts_;
    address where_;
    metrics::gauge& healthy_;
    health health_;
    /// The longest idle first.
    std::vector<kept> idle_;
    std::size_t leased_ = 0;
    std::size_t waiting_ = 0;
    boost::intrusive::list<waiter, boost::intrusive::constant_time_size<false>> line_;
    /// The address that worked last.
    std::size_t preferred_ = 0;
    bool stopped_ = false;
};

}  // namespace shoal::cache::origin
