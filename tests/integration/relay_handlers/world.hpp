#pragma once
// Relays, each on a loop of its own so that one can stand still, on a real PostgreSQL and a real Redis.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/core/incarnation.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "common/worker/event_loop.hpp"
#include "common/worker/service.hpp"
#include "services/relay/handlers/feed.hpp"
#include "services/relay/handlers/wal_watch.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/redis_server.hpp"

namespace shoal::test {

class feed_world {
public:
    explicit feed_world(std::vector<std::string> postgres_settings = {});
    ~feed_world();
    feed_world(const feed_world&) = delete;
    feed_world& operator=(const feed_world&) = delete;

    /// Of the table `item`, in which every row has a tag, and with what `more` of the section says.
    [[nodiscard]] std::shared_ptr<const relay::settings> settings(const std::string& slot,
                                                                  const std::string& database = "postgres",
                                                                  const nlohmann::json& more = {}) const;
    /// One more relay. Its index.
    std::size_t add(std::shared_ptr<const relay::settings> chosen);
    /// Looks after the slot of a relay as well.
    relay::wal_watch& watch(std::size_t which, std::shared_ptr<const relay::settings> chosen);
    [[nodiscard]] relay::feed& at(std::size_t which) { return *relays_[which]->feed; }
    /// Its loop does not turn.
    void pause(std::size_t which) { relays_[which]->paused = true; }
    void resume(std::size_t which) { relays_[which]->paused = false; }
    [[nodiscard]] std::size_t tasks(std::size_t which) const { return relays_[which]->tasks.running(); }

    [[nodiscard]] worker::event_loop& loop(std::size_t which) { return relays_[which]->loop; }
    void turn_times(int times)
    {
        for (int i = 0; i < times; ++i) turn();
    }
    template <class T>
    T await(std::size_t which, boost::asio::awaitable<T> task)
    {
        std::optional<T> made;
        relays_[which]->tasks.spawn("test", keep(std::move(task), made));
        until([&made] { return made.has_value(); });
        return *std::move(made);
    }
    /// Turns all loops that are not paused. Fails the test when it does not become true within 30 s.
    void until(const std::function<bool()>& done);
    void until_active(std::size_t which);
    /// Of the relay, as Redis has it.
    std::string noted(const std::string& field);
    /// Redis' clock, microseconds.
    std::uint64_t redis_now();
    /// Until everything that could be seen up to now is claimed to be in the log.
    void until_claimed();
    /// Entries of the log.
    std::int64_t entries();
    /// What a relay has logged, from warnings on.
    [[nodiscard]] std::string logged(std::size_t which) const;
    redis::value ask(const std::vector<std::string_view>& command);
    [[nodiscard]] std::string metric(std::size_t which, const std::string& name) const;

    postgres_server database;
    redis_server redis{{"--enable-debug-command", "yes"}};
    /// Of relays that are added from then on.
    std::chrono::milliseconds redis_timeout{1000};

private:
    struct member {
        member(const feed_world& in, std::shared_ptr<const relay::settings> chosen, const std::string& name);

        ~member();

        worker::event_loop loop{1};
        int log_file;
        log::logger logger{
            {.least = log::level::warning, .descriptor = log_file, .format = log::style::text, .worker = "test"}};
        runtime::task_group tasks{loop.get_executor(), logger};
        metrics::registry metrics;
        std::string incarnation = random_incarnation();
        redis::client client;
        worker::context lent;
        std::unique_ptr<relay::feed> feed;
        std::unique_ptr<relay::wal_watch> watch{};
        bool paused = false;
    };

    template <class T>
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& into)
    {
        into.emplace(co_await std::move(task));
    }
    void turn();

    std::vector<std::unique_ptr<member>> relays_;
};

}  // namespace shoal::test
