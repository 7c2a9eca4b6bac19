#include "common/runtime/loop_monitor.hpp"
#include "common/runtime/task_group.hpp"
#include "common/runtime/watchdog.hpp"

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>

using namespace shoal;
using namespace std::chrono_literals;

namespace {

/// Runs `body` in a child process whose stderr is thrown away; returns its wait status.
int status_of_child(const std::function<void()>& body)
{
    const pid_t child = fork();
    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        body();
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

void spin_for(std::chrono::milliseconds time)
{
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

}  // namespace

TEST_CASE("watchdog: a loop that does not turn is aborted", "[runtime]")
{
    const int status = status_of_child([] {
        const runtime::watchdog dog{100ms};
        spin_for(10s);
    });
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGABRT);
}

TEST_CASE("watchdog: a loop that turns is left alone", "[runtime]")
{
    const int status = status_of_child([] {
        runtime::watchdog dog{500ms};
        for (int i = 0; i < 40; ++i) {
            spin_for(30ms);
            dog.turned();
        }
    });
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
}

TEST_CASE("watchdog: time in which the whole process was stopped does not count", "[runtime]")
{
    std::array<int, 2> ready{};
    REQUIRE(pipe(ready.data()) == 0);
    const pid_t child = fork();
    if (child == 0) {
        runtime::watchdog dog{500ms};
        (void)!write(ready[1], "r", 1);
        // Turns as a loop does, except that it is stopped for longer than the limit meanwhile.
        const auto end = std::chrono::steady_clock::now() + 1500ms;
        while (std::chrono::steady_clock::now() < end) dog.turned();
        _exit(0);
    }
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    REQUIRE(kill(child, SIGSTOP) == 0);
    const auto until = std::chrono::steady_clock::now() + 1200ms;
    int status = 0;
    while (std::chrono::steady_clock::now() < until) REQUIRE(waitpid(child, &status, WNOHANG) == 0);
    REQUIRE(kill(child, SIGCONT) == 0);
    REQUIRE(waitpid(child, &status, 0) == child);
    close(ready[0]);
    close(ready[1]);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
}

TEST_CASE("loop_monitor: a stall shows in the metric", "[runtime]")
{
    boost::asio::io_context loop;
    metrics::registry metrics;
    int beats = 0;
    runtime::loop_monitor monitor{loop, metrics, [&beats] { ++beats; }};
    monitor.start();
    while (beats < 1) loop.run_one();
    spin_for(200ms);
    while (beats < 2) loop.run_one();
    auto& longest = metrics.add_gauge("shoal_loop_longest_stall_seconds", "The longest stall of the loop since start.");
    REQUIRE(longest.value() > 0.15);
    monitor.stop();
    loop.run();
}

TEST_CASE("task_group: counts its tasks and survives their exceptions", "[runtime]")
{
    boost::asio::io_context loop;
    std::array<int, 2> lines{};
    REQUIRE(pipe(lines.data()) == 0);
    {
        log::logger log{{.least = log::level::info, .descriptor = lines[1], .format = log::style::json, .worker = "w"}};
        runtime::task_group tasks{loop.get_executor(), log};
        const auto wait = [](boost::asio::io_context& on) -> boost::asio::awaitable<void> {
            boost::asio::steady_timer timer{on, 1ms};
            co_await timer.async_wait(boost::asio::use_awaitable);
        };
        const auto fail = []() -> boost::asio::awaitable<void> {
            throw std::runtime_error{"on purpose"};
            co_return;
        };
        tasks.spawn("waits", wait(loop));
        tasks.spawn("fails", fail());
        REQUIRE(tasks.running() == 2);
        loop.run();
        REQUIRE(tasks.running() == 0);
    }
    close(lines[1]);
    std::string text(4096, '\0');
    const auto count = read(lines[0], text.data(), text.size());
    close(lines[0]);
    REQUIRE(count > 0);
    text.resize(static_cast<std::size_t>(count));
    REQUIRE_THAT(text, Catch::Contains("on purpose") && Catch::Contains("fails"));
}
