#pragma once
// Workers' purge logs on one real Redis. Each has a loop of its own, so that one can stand still while the others go
// on.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/core/incarnation.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/purge_log/calls.hpp"
#include "common/purge_log/purge_log.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "tests/support/redis_server.hpp"

namespace shoal::test {

/// Short, so that tests that wait for one to run out are quick.
inline constexpr coherence::lease_terms short_lease{std::chrono::milliseconds{400}, std::chrono::milliseconds{10}};

class purge_fleet {
public:
    /// Workers "cache-0", "cache-1", …, which have joined and hold leases.
    explicit purge_fleet(std::size_t workers, const coherence::lease_terms& terms = short_lease);
    ~purge_fleet();
    purge_fleet(const purge_fleet&) = delete;
    purge_fleet& operator=(const purge_fleet&) = delete;

    /// One more, that has not joined yet. Its index.
    std::size_t add();
    [[nodiscard]] coherence::purge_log& at(std::size_t worker) { return *workers_[worker]->log; }
    [[nodiscard]] std::size_t size() const { return workers_.size(); }
    [[nodiscard]] const std::string& incarnation(std::size_t worker) const { return workers_[worker]->incarnation; }
    [[nodiscard]] coherence::purge_log_calls calls(std::size_t worker)
    {
        return coherence::purge_log_calls{workers_[worker]->client};
    }
    /// As in /-/metrics: the line that begins so.
    [[nodiscard]] std::string metric(std::size_t worker, const std::string& name) const;

    /// Its loop does not turn; Redis sees a client that says nothing.
    void pause(std::size_t worker) { workers_[worker]->paused = true; }
    void resume(std::size_t worker) { workers_[worker]->paused = false; }

    void spawn(std::size_t worker, boost::asio::awaitable<void> task);
    /// Turns all loops that are not paused. Fails the test when it does not become true within 30 s.
    void until(const std::function<bool()>& done);
    [[nodiscard]] bool connected(std::size_t worker) const { return workers_[worker]->client.available(); }
    void until_current(std::size_t worker);
    /// Until purges are acknowledged by reports alone: see log_follower::reports_count_from.
    void settle();
    template <class T>
    T await(std::size_t worker, boost::asio::awaitable<T> task)
    {
        std::optional<T> made;
        spawn(worker, keep(std::move(task), made));
        until([&made] { return made.has_value(); });
        return *std::move(made);
    }
    result<coherence::purge_receipt> purge(std::size_t worker, std::vector<coherence::tag> tags, bool soft = false);
    /// One that is acknowledged.
    coherence::purge_receipt purged(std::size_t worker, std::vector<coherence::tag> tags, bool soft = false);
    void drain(std::size_t worker);
    redis::value command(const std::vector<std::string>& arguments);

    redis_server server;

private:
    struct member {
        member(const redis::options& chosen, std::string name, const coherence::lease_terms& terms);

        boost::asio::io_context loop{1};
        log::logger logger{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
        runtime::task_group tasks{loop.get_executor(), logger};
        metrics::registry metrics;
        std::string incarnation = random_incarnation();
        redis::client client;
        std::unique_ptr<coherence::purge_log> log;
        bool paused = false;
    };

    template <class T>
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& into)
    {
        into.emplace(co_await std::move(task));
    }
    void turn();

    coherence::lease_terms terms_;
    std::vector<std::unique_ptr<member>> workers_;
};

}  // namespace shoal::test
