#include "services/views/handlers/flights.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

#include "common/log/log.hpp"
#include "common/runtime/task_group.hpp"
#include "tests/support/run_until.hpp"

using namespace shoal;
using namespace shoal::views;
using namespace std::chrono_literals;

namespace {

struct world {
    boost::asio::io_context loop{1};
    log::logger logger{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
    runtime::task_group tasks{loop.get_executor(), logger};
    flights all{loop};
    int woken = 0;

    boost::asio::awaitable<void> waits(std::shared_ptr<flight> on, boot_time until)
    {
        co_await on->wait(until);
        ++woken;
    }
    void wait(const std::shared_ptr<flight>& on, boot_time until = boot_time::max())
    {
        tasks.spawn("test", waits(on, until));
        loop.poll();
        loop.restart();
    }
    bool all_woken(int count)
    {
        return test::run_until(loop, [&] { return woken == count; });
    }
};

parsed<answer_ptr> made(std::string body)
{
    return answer_ptr{new answer{200, std::move(body), {}, {1, 1}, {}}};
}

}  // namespace

TEST_CASE("flights: all who wait get what was made, and nobody joins any more", "[views]")
{
    world in;
    auto ticket = in.all.begin("q", boot_clock::now(), {1, 1});
    const auto one = in.all.find("q");
    REQUIRE(one);
    in.wait(one);
    in.wait(one);
    CHECK(in.woken == 0);
    ticket->land(made("x"));
    REQUIRE(in.all_woken(2));
    REQUIRE(one->made());
    CHECK((**one->made())->body() == "x");
    ticket.reset();
    CHECK_FALSE(in.all.find("q"));
}

TEST_CASE("flights: one that is given up wakes those who wait, with nothing", "[views]")
{
    world in;
    auto ticket = in.all.begin("q", boot_clock::now(), {1, 1});
    const auto one = in.all.find("q");
    in.wait(one);
    ticket.reset();
    REQUIRE(in.all_woken(1));
    CHECK(one->ended());
    CHECK_FALSE(one->made());
}

TEST_CASE("flights: nobody waits longer than he may", "[views]")
{
    world in;
    const auto ticket = in.all.begin("q", boot_clock::now(), {1, 1});
    const auto one = in.all.find("q");
    in.wait(one, boot_clock::now() + 20ms);
    REQUIRE(in.all_woken(1));
    CHECK_FALSE(one->ended());
}

TEST_CASE("flights: a later one takes the place, and outlives the end of the earlier", "[views]")
{
    world in;
    auto first = in.all.begin("q", boot_clock::now(), {1, 1});
    const auto second = in.all.begin("q", boot_clock::now(), {1, 2});
    first.reset();
    REQUIRE(in.all.find("q"));
    CHECK(in.all.find("q")->at() == coherence::stamp{1, 2});
    CHECK_FALSE(in.all.find("other"));
}
