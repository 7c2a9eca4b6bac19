#include "tests/integration/views_store/world.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>

#include <fmt/format.h>

#include "tests/support/run_until.hpp"

namespace shoal::test {
namespace {

using namespace std::chrono_literals;

redis::options patient(const std::string& path)
{
    redis::options chosen;
    chosen.where.unix_path = path;
    chosen.command_timeout = 5s;
    return chosen;
}

template <class T>
boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& into)
{
    into.emplace(co_await std::move(task));
}

}  // namespace

views_world::views_world() : client_{loop_, patient(server.path()), tasks_, logger_, metrics_}
{
    std::signal(SIGPIPE, SIG_IGN);
    client_.start();
    until([this] { return client_.available(); });
    epoch = list().epoch;
    (void)command({"HSET", "{cache}:purge:relay", "epoch", std::to_string(epoch), "viewed", "0/1"});
}

views_world::~views_world()
{
    client_.stop();
    loop_.restart();
    loop_.run();
}

void views_world::until(const std::function<bool()>& done)
{
    REQUIRE(run_until(loop_, done, 10s));
}

template <class T>
T views_world::await(boost::asio::awaitable<result<T>> task)
{
    std::optional<result<T>> made;
    tasks_.spawn("test", keep(std::move(task), made));
    until([&made] { return made.has_value(); });
    REQUIRE(made->has_value());
    return *std::move(*made);
}

redis::value views_world::command(const std::vector<std::string>& words)
{
    const std::vector<std::string_view> parts{words.begin(), words.end()};
    return await(client_.command(parts));
}

void views_world::view(const std::string& name, const std::string& kind, const std::string& state)
{
    (void)command({"HSET", "{cache}:views", name, fmt::format("{} 1 {} {}", kind, state, epoch)});
}

void views_world::scores(const std::string& view, const std::string& key, const std::map<std::string, double>& members)
{
    const auto name = "{cache}:view:" + view + ":1:" + key;
    std::vector<std::string> words{"ZADD", name};
    for (const auto& [member, score] : members) {
        words.push_back(fmt::format("{}", score));
        words.push_back(member);
    }
    (void)command({"DEL", name});
    if (!members.empty()) (void)command(words);
}

views::reading views_world::read(const views::question& asked)
{
    return await(reader_.read(asked, epoch, boot_time::max()));
}

views::reading views_world::entry(std::string_view view, std::string_view key, std::string_view query)
{
    return read(views::read_entry_question(view, key, query).value());
}

views::reading views_world::several(std::string_view view, std::string_view query)
{
    return read(views::read_several_question(view, query).value());
}

views::listing views_world::list()
{
    return await(reader_.list(epoch, boot_time::max()));
}

}  // namespace shoal::test
