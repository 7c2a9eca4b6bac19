#include "common/runtime/beside.hpp"

#include <stdexcept>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <catch2/catch.hpp>

using namespace shoal;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct trace {
    explicit trace(std::string& to) : to_{to} {}
    ~trace() { to_ += "ended "; }
    trace(const trace&) = delete;
    trace& operator=(const trace&) = delete;

private:
    std::string& to_;
};

asio::awaitable<void> wait(std::string& story, std::chrono::milliseconds time)
{
    const trace until_its_end{story};
    asio::steady_timer timer{co_await asio::this_coro::executor, time};
    co_await timer.async_wait(asio::use_awaitable);
    story += "waited ";
}

asio::awaitable<void> fail()
{
    throw std::runtime_error{"no"};
    co_return;
}

/// What happened, and whether it threw.
std::string run(asio::awaitable<void> task, std::string& story, asio::awaitable<void> helper)
{
    asio::io_context loop{1};
    asio::co_spawn(loop, runtime::beside(std::move(task), std::move(helper)),
                   [&](const std::exception_ptr& failure) { story += failure ? "threw" : "done"; });
    loop.run_for(30s);
    return story;
}

}  // namespace

TEST_CASE("beside: a helper that waits is cancelled when the task has ended, and has ended then", "[runtime]")
{
    std::string story;
    CHECK(run(wait(story, 1ms), story, wait(story, 1h)) == "waited ended ended done");
}

TEST_CASE("beside: the task goes on after its helper has ended, or failed", "[runtime]")
{
    std::string story;
    CHECK(run(wait(story, 10ms), story, wait(story, 1ms)) == "waited ended waited ended done");
    story.clear();
    CHECK(run(wait(story, 1ms), story, fail()) == "waited ended done");
}

TEST_CASE("beside: what the task throws comes once the helper has ended", "[runtime]")
{
    std::string story;
    CHECK(run(fail(), story, wait(story, 1h)) == "ended threw");
}
