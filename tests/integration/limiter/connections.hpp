#pragma once
// Several workers' connections on one loop to one real Redis, and how a test waits for what they answer.

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "tests/support/redis_server.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shoal::test {

class connections {
public:
    /// The server lives longer.
    connections(redis_server& server, std::size_t workers, std::chrono::milliseconds timeout = std::chrono::seconds{5});
    ~connections();
    connections(const connections&) = delete;
    connections& operator=(const connections&) = delete;

    [[nodiscard]] redis::client& at(std::size_t worker) { return workers_[worker]->client; }
    [[nodiscard]] std::size_t size() const { return workers_.size(); }

    void spawn(boost::asio::awaitable<void> task) { tasks_.spawn("test", std::move(task)); }
    /// Fails the test when it does not become true within 30 s.
    void until(const std::function<bool()>& done);
    template <class T>
    T get(boost::asio::awaitable<T> task)
    {
        std::optional<T> made;
        spawn(keep(std::move(task), made));
        until([&made] { return made.has_value(); });
        return *std::move(made);
    }
    /// Runs a command of raw bytes.
    redis::value command(const std::vector<std::string>& arguments);

private:
    struct member {
        member(boost::asio::io_context& loop, const redis::options& chosen, runtime::task_group& tasks,
               log::logger& log);

        metrics::registry metrics;
        redis::client client;
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
