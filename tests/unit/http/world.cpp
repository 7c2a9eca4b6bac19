#include "tests/unit/http/world.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/run_until.hpp"

namespace shoal::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using http::reply;
using http::request;
using http::response;
using http::verb;

constexpr auto patience = 5s;

asio::awaitable<void> pause(std::chrono::milliseconds time)
{
    asio::steady_timer timer{co_await asio::this_coro::executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<response> echo_late(request& from)
{
    co_await pause(1ms);
    from.add_timing("pause", 1ms);
    co_return response{200}.body("text/plain", std::string{from.body});
}

asio::awaitable<response> throw_late()
{
    co_await pause(1ms);
    throw std::runtime_error{"thrown late"};
}

}  // namespace

http::limits patient_limits()
{
    http::limits bounds;
    bounds.first_byte = bounds.headers = bounds.whole_body = bounds.idle = bounds.write = 60s;
    return bounds;
}

template <class Answers>
world::world(Answers answers, http::limits bounds, std::chrono::milliseconds slow, any)
    : path{folder.file("http.sock")},
      log_descriptor{::open(folder.file("log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)},
      logger{log::options{
          .least = log::level::debug, .descriptor = log_descriptor, .format = log::style::json, .worker = "test-1"}},
      tasks{loop.get_executor(), logger}
{
    server.emplace(loop, http::server_options{.worker = "test-1", .name = "public", .bounds = bounds, .slow = slow},
                   std::move(answers), tasks, logger, metrics);
    server->listen_unix(path);
    server->start();
}

world::world(http::limits bounds, std::vector<http::route> routes, std::chrono::milliseconds slow)
    : world{http::router{std::move(routes)}, bounds, slow, any{}}
{
}

world::world(http::stream_handler answers, http::limits bounds, std::chrono::milliseconds slow)
    : world{std::move(answers), bounds, slow, any{}}
{
}

world::~world()
{
    server->abort();
    const bool done = run_until(
        loop, [&] { return tasks.running() == 0; }, patience);
    CHECK(done);
    CHECK(server->connections() == 0);
    CHECK(server->in_flight() == 0);
    ::close(log_descriptor);
}

bool world::wait_for(const std::function<bool()>& condition)
{
    return run_until(loop, condition, patience);
}

double world::metric(const std::string& line) const
{
    std::istringstream text{metrics.render()};
    for (std::string one; std::getline(text, one);)
        if (one.starts_with(line + " ")) return std::stod(one.substr(line.size() + 1));
    return 0;
}

std::string world::log_text()
{
    logger.flush();
    std::ifstream file{folder.file("log")};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<http::route> world::default_routes()
{
    return {
        {verb::get, "/", "root", [](request&) -> reply { return response{200}.body("text/plain", "root"); }},
        {verb::post, "/echo", "echo",
         [](request& from) -> reply { return response{200}.body("text/plain", std::string{from.body}); }},
        {verb::post, "/late", "late", [](request& from) -> reply { return echo_late(from); }},
        {verb::get, "/keys/{a}/{b}", "keys",
         [](request& from) -> reply {
             return response{200}.body("text/plain", std::string{from.parameters[0]} + "|" +
                                                         std::string{from.parameters[1]} + "|" +
                                                         std::string{from.query});
         }},
        {verb::get, "/throw", "throw", [](request&) -> reply { throw std::runtime_error{"thrown at once"}; }},
        {verb::get, "/throw-late", "throw-late", [](request&) -> reply { return throw_late(); }},
        {verb::delete_, "/echo", "forget", [](request&) -> reply { return response{204}; }},
    };
}

}  // namespace shoal::test
