#include "tests/integration/purge_log/fleet.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <string_view>

namespace shoal::test {

using namespace std::chrono_literals;

purge_fleet::member::member(const redis::options& chosen, std::string name, const coherence::lease_terms& terms)
    : client{loop, chosen, tasks, logger, metrics}
{
    const worker::context lent{.loop = loop,
                               .tasks = tasks,
                               .log = logger,
                               .metrics = metrics,
                               .state = client,
                               .state_timeout = chosen.command_timeout,
                               .state_options = chosen,
                               .worker_name = std::move(name),
                               .incarnation = incarnation};
    log = std::make_unique<coherence::purge_log>(lent, terms);
    client.start();
    log->start();
}

purge_fleet::purge_fleet(std::size_t workers, const coherence::lease_terms& terms) : terms_{terms}
{
    // hiredis writes to a Redis that a test has killed.
    std::signal(SIGPIPE, SIG_IGN);
    for (std::size_t i = 0; i < workers; ++i) add();
    for (std::size_t i = 0; i < workers; ++i) until_current(i);
}

purge_fleet::~purge_fleet()
{
    for (const auto& one : workers_) {
        one->log->stop();
        one->client.stop();
        one->loop.restart();
        one->loop.run();
    }
}

std::size_t purge_fleet::add()
{
    redis::options chosen;
    chosen.where.unix_path = server.path();
    chosen.command_timeout = 1s;
    workers_.push_back(std::make_unique<member>(chosen, "cache-" + std::to_string(workers_.size()), terms_));
    return workers_.size() - 1;
}

std::string purge_fleet::metric(std::size_t worker, const std::string& name) const
{
    const auto text = workers_[worker]->metrics.render();
    const auto begin = text.find("\n" + name);
    return begin == std::string::npos ? std::string{} : text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
}

void purge_fleet::spawn(std::size_t worker, boost::asio::awaitable<void> task)
{
    workers_[worker]->tasks.spawn("test", std::move(task));
}

void purge_fleet::turn()
{
    bool idle = true;
    member* last = nullptr;
    for (const auto& one : workers_) {
        if (one->paused) continue;
        one->loop.restart();
        if (one->loop.poll() > 0) idle = false;
        last = one.get();
    }
    if (idle && last != nullptr) last->loop.run_one_for(100us);
}

void purge_fleet::until(const std::function<bool()>& done)
{
    const auto limit = boot_clock::now() + 30s;
    while (!done()) {
        REQUIRE(boot_clock::now() < limit);
        turn();
    }
}

void purge_fleet::until_current(std::size_t worker)
{
    until([&] { return at(worker).current(boot_clock::now()); });
}

void purge_fleet::settle()
{
    const auto from = terms_.fenced(boot_clock::now());
    until([from] { return boot_clock::now() > from; });
}

result<coherence::purge_receipt> purge_fleet::purge(std::size_t worker, std::vector<coherence::tag> tags, bool soft)
{
    return await(worker, at(worker).acknowledge({std::move(tags), soft}));
}

coherence::purge_receipt purge_fleet::purged(std::size_t worker, std::vector<coherence::tag> tags, bool soft)
{
    auto made = purge(worker, std::move(tags), soft);
    REQUIRE(made.has_value());
    return std::move(made).value();
}

void purge_fleet::drain(std::size_t worker)
{
    const auto leave = [](coherence::purge_log& log, bool& done) -> boost::asio::awaitable<void> {
        co_await log.drain();
        done = true;
    };
    bool left = false;
    spawn(worker, leave(at(worker), left));
    until([&left] { return left; });
}

redis::value purge_fleet::command(const std::vector<std::string>& arguments)
{
    const std::vector<std::string_view> views{arguments.begin(), arguments.end()};
    for (const auto& one : workers_) {
        if (one->paused) continue;
        auto answer = await(static_cast<std::size_t>(&one - workers_.data()), one->client.command(views));
        REQUIRE(answer.has_value());
        return std::move(answer).value();
    }
    FAIL("every worker is paused");
    return {};
}

}  // namespace shoal::test
