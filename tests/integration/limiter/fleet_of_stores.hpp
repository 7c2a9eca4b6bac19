#pragma once
// Several workers' stores on one loop, each with a connection of its own to one real Redis.

#include "services/limiter/store.hpp"
#include "tests/integration/limiter/connections.hpp"
#include "tests/support/redis_server.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace shoal::test {

/// What take answers, at once or not.
[[nodiscard]] boost::asio::awaitable<result<limiter::outcome>> taken(limiter::store& at, const limiter::rule& by,
                                                                     std::string key, std::int64_t cost);

/// What its verbs return they have waited for; `worker` says who is asked.
class fleet_of_stores {
public:
    explicit fleet_of_stores(std::size_t workers, std::chrono::milliseconds timeout = std::chrono::seconds{5});

    [[nodiscard]] limiter::store& at(std::size_t worker) { return workers_[worker]->store; }
    [[nodiscard]] limiter::cell_store& cells(std::size_t worker) { return workers_[worker]->cells; }
    [[nodiscard]] std::size_t size() const { return workers_.size(); }

    void spawn(boost::asio::awaitable<void> task) { lines_.spawn(std::move(task)); }
    /// Fails the test when it does not become true within 30 s.
    void until(const std::function<bool()>& done) { lines_.until(done); }
    template <class T>
    T await(boost::asio::awaitable<T> task)
    {
        return lines_.get(std::move(task));
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
        member(redis::client& client, std::chrono::milliseconds timeout);

        limiter::server_clock clock;
        limiter::cell_store cells;
        limiter::store store;
    };

    // What is under way when the connections end still uses its store.
    std::vector<std::unique_ptr<member>> workers_;
    connections lines_;
};

}  // namespace shoal::test
