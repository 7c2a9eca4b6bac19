#pragma once
// A loop, and one PostgreSQL for all tests of the executable: making one takes longer than the tests.

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/log/log.hpp"
#include "common/runtime/task_group.hpp"
#include "services/relay/postgres/connection.hpp"
#include "tests/support/postgres_server.hpp"

namespace shoal::test {

[[nodiscard]] postgres_server& the_server();

/// What is given to spawn() must not outlive what it uses: wait for its end.
class postgres_world {
public:
    postgres_world();

    boost::asio::io_context loop{1};

    [[nodiscard]] static relay::database_settings settings(const std::string& database = "postgres");
    /// Fails the test when it does not become true within 30 s.
    void until(const std::function<bool()>& done);
    template <class T>
    void spawn(boost::asio::awaitable<T> task, std::optional<T>& into)
    {
        tasks_.spawn("test", keep(std::move(task), into));
    }
    template <class T>
    T await(boost::asio::awaitable<T> task)
    {
        std::optional<T> made;
        spawn(std::move(task), made);
        until([&made] { return made.has_value(); });
        return *std::move(made);
    }

private:
    template <class T>
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& into)
    {
        into.emplace(co_await std::move(task));
    }

    log::logger logger_{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
    runtime::task_group tasks_{loop.get_executor(), logger_};
};

}  // namespace shoal::test
