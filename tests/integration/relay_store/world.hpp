#pragma once
// Relays' logs on one loop and one real Redis, each on a connection of its own.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "services/relay/store/relay_log.hpp"
#include "tests/support/redis_server.hpp"

namespace shoal::test {

class relay_world {
public:
    explicit relay_world(std::size_t relays);
    ~relay_world();
    relay_world(const relay_world&) = delete;
    relay_world& operator=(const relay_world&) = delete;

    [[nodiscard]] relay::relay_log& at(std::size_t which) { return *relays_[which]->log; }
    void until(const std::function<bool()>& done);
    /// All of them, to whoever listens now.
    void until_connected();
    template <class T>
    T await(boost::asio::awaitable<T> task)
    {
        std::optional<T> made;
        tasks_.spawn("test", keep(std::move(task), made));
        until([&made] { return made.has_value(); });
        return *std::move(made);
    }
    /// Fails the test unless it succeeds.
    relay::relay_log::ownership own(std::size_t which);
    /// Whether all that a relay writes is refused, as another one took the fence.
    bool is_fenced(std::size_t which);
    /// Of the relay, as Redis has it.
    std::string noted(const std::string& field);
    redis::value ask(const std::vector<std::string_view>& command);
    /// Of a key; empty without it.
    std::string value_of(const std::string& key);
    /// In the log.
    std::int64_t entries();

    redis_server server;

private:
    struct member {
        explicit member(relay_world& in);

        metrics::registry metrics;
        redis::client client;
        std::unique_ptr<relay::relay_log> log;
    };

    template <class T>
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& into)
    {
        into.emplace(co_await std::move(task));
    }

    boost::asio::io_context loop_{1};
    log::logger logger_{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
    runtime::task_group tasks_{loop_.get_executor(), logger_};
    std::vector<std::unique_ptr<member>> relays_;
};

}  // namespace shoal::test
