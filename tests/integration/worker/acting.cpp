#include "tests/integration/worker/acting.hpp"

#include "common/config/reader.hpp"
#include "common/runtime/task_group.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <utility>

namespace shoal::test {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using stream = asio::local::stream_protocol;

std::function<void()> acting::read(config::object& section, const worker::facts&)
{
    section.done();
    return [] {};
}

std::vector<http::route> acting::start(const worker::context& from)
{
    context = std::make_unique<worker::context>(from);
    from.tasks.spawn("test", act());
    return {};
}

asio::awaitable<void> acting::warm(worker::succession from)
{
    if (on_warm) co_await on_warm(*this, std::move(from));
}

asio::awaitable<void> acting::drain()
{
    ++drains;
    if (on_drain) co_await on_drain(*this);
}

asio::awaitable<void> acting::pause(std::chrono::milliseconds time) const
{
    asio::steady_timer timer{context->loop, time};
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> acting::act()
{
    const auto give_up = boot_clock::now() + 10s;
    while (!std::filesystem::exists(place) && boot_clock::now() < give_up) co_await pause(5ms);
    if (once_serving) co_await once_serving(*this);
    told_to_end = boot_clock::now();
    std::raise(SIGTERM);
}

acting_worker::acting_worker()
{
    service.place = folder.file("w");
}

int acting_worker::run(std::vector<std::string> more)
{
    std::vector<std::string> words{"shoal-acting",
                                   "--name",
                                   "acting-1",
                                   "--listen",
                                   "unix:" + folder.file("w"),
                                   "--admin",
                                   "unix:" + folder.file("a"),
                                   "--redis-state",
                                   "unix:" + redis.path(),
                                   "--drain-deadline",
                                   "2s"};
    std::ranges::move(more, std::back_inserter(words));
    std::vector<char*> arguments(words.size());
    std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
    const int exit_code = worker::run(static_cast<int>(arguments.size()), arguments.data(), service);
    took = boot_clock::now() - service.told_to_end;
    return exit_code;
}

asio::awaitable<std::string> get(acting& from, std::string path, std::string target, std::string more)
{
    stream::socket socket{from.context->loop};
    co_await socket.async_connect(stream::endpoint{path}, asio::use_awaitable);
    const std::string asked = "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
    co_await asio::async_write(socket, asio::buffer(asked), asio::use_awaitable);
    std::string answer;
    boost::system::error_code ended;
    co_await asio::async_read(socket, asio::dynamic_buffer(answer), asio::redirect_error(asio::use_awaitable, ended));
    co_return answer;
}

asio::awaitable<bool> accepts(acting& from, std::string path)
{
    stream::socket socket{from.context->loop};
    boost::system::error_code refused;
    co_await socket.async_connect(stream::endpoint{path}, asio::redirect_error(asio::use_awaitable, refused));
    co_return !refused;
}

}  // namespace shoal::test
