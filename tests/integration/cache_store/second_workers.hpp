#pragma once
// Several workers' second levels on one loop and one real Redis.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/store/second_level.hpp"
#include "tests/support/redis_server.hpp"

namespace shoal::test {

class second_workers {
public:
    explicit second_workers(std::size_t workers, cache::second_level_settings chosen = patient());
    ~second_workers();
    second_workers(const second_workers&) = delete;
    second_workers& operator=(const second_workers&) = delete;

    /// The defaults, for a machine that does more than this test.
    [[nodiscard]] static cache::second_level_settings patient();

    [[nodiscard]] cache::second_level& at(std::size_t worker) { return *workers_[worker]->level; }
    [[nodiscard]] redis_server& server() { return server_; }
    /// What it had begun is never finished, as if its process was killed.
    void disconnect(std::size_t worker) { workers_[worker]->client.stop(); }

    template <class T>
    T get(boost::asio::awaitable<T> task)
    {
        std::optional<T> made;
        tasks_.spawn("test", keep(std::move(task), made));
        until([&made] { return made.has_value(); });
        return *std::move(made);
    }
    /// Fails the test when it does not become true within 30 s.
    void until(const std::function<bool()>& done);
    void run_for(std::chrono::milliseconds time) { loop_.run_for(time); }

    [[nodiscard]] cache::stored_ptr find(std::size_t worker, std::string key, std::string variant = {});
    /// Returns when it is written, or left out.
    void put(std::size_t worker, cache::stored_ptr what);
    bool update(std::size_t worker, cache::stored_ptr what, cache::fill_id replaces);
    [[nodiscard]] cache::second_level::claim acquire(std::size_t worker, std::string key = "/a")
    {
        return get(at(worker).acquire(std::move(key)));
    }
    [[nodiscard]] cache::fill_follower::news next(cache::fill_follower& of);

    /// Over the first worker's connection; binary.
    redis::value command(std::vector<std::string> arguments);

private:
    struct member {
        member(boost::asio::io_context& loop, const redis::options& chosen, runtime::task_group& tasks,
               log::logger& log, const cache::second_level_settings& settings);

        metrics::registry metrics;
        redis::client client;
        std::unique_ptr<cache::second_level> level;
    };

    template <class T>
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& into)
    {
        into.emplace(co_await std::move(task));
    }

    redis_server server_;
    boost::asio::io_context loop_{1};
    log::logger log_{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
    runtime::task_group tasks_{loop_.get_executor(), log_};
    std::vector<std::unique_ptr<member>> workers_;
};

/// A response as tests want it.
struct wanted {
    std::string key = "/a";
    std::string body = "body";
    std::string vary = {};
    std::string variant = {};
    std::uint64_t fill = 1;
    std::uint64_t sequence = 1;
    std::int64_t fresh_for = 60;
    std::string etag = "\"v1\"";
};
[[nodiscard]] cache::stored_ptr a_stored(const wanted& of = {});
[[nodiscard]] std::string body_of(const cache::stored& what);

}  // namespace shoal::test
