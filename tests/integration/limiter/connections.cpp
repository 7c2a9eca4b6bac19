#include "tests/integration/limiter/connections.hpp"

#include "tests/support/run_until.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <string_view>

namespace shoal::test {

connections::member::member(boost::asio::io_context& loop, const redis::options& chosen, runtime::task_group& tasks,
                            log::logger& log)
    : client{loop, chosen, tasks, log, metrics}
{
    client.start();
}

connections::connections(redis_server& server, std::size_t workers, std::chrono::milliseconds timeout)
{
    // hiredis writes to a Redis that a test has killed.
    std::signal(SIGPIPE, SIG_IGN);
    redis::options chosen;
    chosen.where.unix_path = server.path();
    chosen.command_timeout = timeout;
    for (std::size_t i = 0; i < workers; ++i) workers_.push_back(std::make_unique<member>(loop_, chosen, tasks_, log_));
    for (const auto& one : workers_) until([&one] { return one->client.available(); });
}

connections::~connections()
{
    for (const auto& one : workers_) one->client.stop();
    loop_.restart();
    loop_.run();
}

void connections::until(const std::function<bool()>& done)
{
    REQUIRE(run_until(loop_, done, std::chrono::seconds{30}));
}

redis::value connections::command(const std::vector<std::string>& arguments)
{
    const std::vector<std::string_view> views{arguments.begin(), arguments.end()};
    auto answer = get(at(0).command(views));
    REQUIRE(answer.has_value());
    return std::move(answer).value();
}

}  // namespace shoal::test
