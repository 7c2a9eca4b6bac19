#include "tests/integration/limiter/fleet_of_stores.hpp"

#include "tests/support/run_until.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string_view>

namespace shoal::test {
namespace {

boost::asio::awaitable<void> take_task(limiter::store& at, const limiter::rule& by, const std::string& key,
                                       std::int64_t cost, std::optional<result<limiter::outcome>>& into)
{
    auto taken = at.take(by, key, cost, boot_time::max());
    if (const auto* known = std::get_if<limiter::outcome>(&taken))
        into.emplace(*known);
    else
        into.emplace(co_await std::get<boost::asio::awaitable<result<limiter::outcome>>>(std::move(taken)));
}

boost::asio::awaitable<void> cell_task(limiter::cell_store& at, const limiter::rule& by, const std::string& key,
                                       const limiter::ask& asked, std::string_view idempotency_key,
                                       std::optional<result<limiter::cell_reply>>& into)
{
    std::string tag;
    limiter::cell_store::append_tag(tag, by, key);
    into.emplace(co_await at.run(tag, by, asked, boot_time::max(), idempotency_key));
}

boost::asio::awaitable<void> forget_task(limiter::store& at, const limiter::rule& by, const std::string& key,
                                         std::optional<result<void>>& into)
{
    into.emplace(co_await at.forget(by, key, boot_time::max()));
}

boost::asio::awaitable<void> command_task(redis::client& client, const std::vector<std::string_view>& arguments,
                                          std::optional<result<redis::value>>& into)
{
    into.emplace(co_await client.command(arguments));
}

}  // namespace

fleet_of_stores::member::member(boost::asio::io_context& loop, const redis::options& chosen, runtime::task_group& tasks,
                                log::logger& log, std::chrono::milliseconds timeout)
    : client{loop, chosen, tasks, log, metrics}, clock{timeout}, cells{client, clock}, store{client, timeout}
{
    client.start();
}

fleet_of_stores::fleet_of_stores(std::size_t workers, std::chrono::milliseconds timeout)
{
    redis::options chosen;
    chosen.where.unix_path = server.path();
    chosen.command_timeout = timeout;
    for (std::size_t i = 0; i < workers; ++i)
        workers_.push_back(std::make_unique<member>(loop_, chosen, tasks_, log_, timeout));
    for (const auto& one : workers_) until([&one] { return one->client.available(); });
}

fleet_of_stores::~fleet_of_stores()
{
    for (const auto& one : workers_) one->client.stop();
    loop_.run();
}

void fleet_of_stores::until(const std::function<bool()>& done)
{
    REQUIRE(run_until(loop_, done, std::chrono::seconds{30}));
}

result<limiter::outcome> fleet_of_stores::take(const limiter::rule& by, const std::string& key, std::int64_t cost,
                                               std::size_t worker)
{
    std::optional<result<limiter::outcome>> made;
    spawn(take_task(at(worker), by, key, cost, made));
    until([&made] { return made.has_value(); });
    return *made;
}

result<limiter::cell_reply> fleet_of_stores::run(const limiter::rule& by, const std::string& key,
                                                 const limiter::ask& asked, std::size_t worker,
                                                 std::string_view idempotency_key)
{
    std::optional<result<limiter::cell_reply>> answer;
    spawn(cell_task(workers_[worker]->cells, by, key, asked, idempotency_key, answer));
    until([&answer] { return answer.has_value(); });
    return *answer;
}

result<void> fleet_of_stores::forget(const limiter::rule& by, const std::string& key)
{
    std::optional<result<void>> done;
    spawn(forget_task(at(0), by, key, done));
    until([&done] { return done.has_value(); });
    return *done;
}

result<redis::value> fleet_of_stores::command(const std::vector<std::string>& arguments)
{
    const std::vector<std::string_view> views{arguments.begin(), arguments.end()};
    std::optional<result<redis::value>> answer;
    spawn(command_task(workers_.front()->client, views, answer));
    until([&answer] { return answer.has_value(); });
    return *answer;
}

}  // namespace shoal::test
