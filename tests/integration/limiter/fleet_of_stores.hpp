#pragma once
// Several workers' stores on one loop, each with a connection of its own to one real Redis.

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "services/limiter/store.hpp"
#include "tests/support/redis_server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace shoal::test {

/// What take answers, at once or not.
[[nodiscard]] boost::asio::awaitable<result<limiter::outcome>> taken(limiter::store& at, const limiter::rule& by,
                                                                     std::string key, std::int64_t cost);

/// What its verbs return they have waited for; `worker` says who is asked.
class fleet_of_stores {
public:
    explicit fleet_of_stores(std::size_t workers, std::chrono::milliseconds timeout = std::chrono::seconds{5});
    ~fleet_of_stores();
    fleet_of_stores(const fleet_of_stores&) = delete;
    fleet_of_stores& operator=(const fleet_of_stores&) = delete;

    [[nodiscard]] limiter::store& at(std::size_t worker) { return workers_[worker]->store; }
    [[nodiscard]] limiter::cell_store& cells(std::size_t worker) { return workers_[worker]->cells; }
    [[nodiscard]] std::size_t size() const { return workers_.size(); }

    void spawn(boost::asio::awaitable<void> task) { tasks_.spawn("test", std::move(task)); }
    /// Fails the test when it does not become true within 30 s.
    void until(const std::function<bool()>& done);
    template <class T>
    T await(boost::asio::awaitable<T> task)
    {
        std::optional<T> made;
        spawn(keep(std::move(task), made));
        until([&made] { return made.has_value(); });
        return std::move(*made);
    }

    result<limiter::outcome> take(const limiter::rule& by, const std::string& key, std::int64_t cost,
                                  std::size_t worker = 0);
    result<limiter::outcome> take_once(const limiter::rule& by, const std::string& key, std::int64_t cost,
                                       const std::string& idempotency_key, std::size_t worker);
    result<limiter::refunded> refund(const limiter::rule& by, const std::string& key, std::int64_t cost);
    result<void> forget(const limiter::rule& by, const std::string& key);
    void drain(std::size_t worker);

    /// One call of cell.lua, past what the store remembers.
    result<limiter::cell_reply> run(const limiter::rule& by, const std::string& key, const limiter::ask& asked,
                                    std::size_t worker = 0);
    [[nodiscard]] limiter::standing peek_past_memory(const limiter::rule& by, const std::string& key);
    /// Runs a command of raw bytes.
    result<redis::value> command(const std::vector<std::string>& arguments);

    redis_server server;

private:
    struct member {
        member(boost::asio::io_context& loop, const redis::options& chosen, runtime::task_group& tasks,
               log::logger& log, std::chrono::milliseconds timeout);

        metrics::registry metrics;
        redis::client client;
        limiter::server_clock clock;
        limiter::cell_store cells;
        limiter::store store;
    };

    template <class T>
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& into)
    {
        into.emplace(co_await std::move(task));
    }

    boost::asio::io_context loop_{1};
    log::logger log_{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
    runtime::task_group tasks_{loop_.get_executor(), log_};
    std::vector<std::unique_ptr<member>> workers_;
};

}  // namespace shoal::test
