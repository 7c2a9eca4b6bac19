#include "tests/unit/redis/fixture.hpp"

#include "tests/support/run_until.hpp"

#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace shoal::test {
namespace {

using boost::asio::awaitable;

std::vector<std::string_view> views(const std::vector<std::string>& texts)
{
    return {texts.begin(), texts.end()};
}

awaitable<void> command_task(redis::client& client, call_ptr into, std::vector<std::string> arguments,
                             boot_time deadline)
{
    const auto parts = views(arguments);
    into->begun = boot_clock::now();
    into->outcome.emplace(co_await client.command(parts, deadline));
    into->ended = boot_clock::now();
}

awaitable<void> eval_task(redis::client& client, call_ptr into, const redis::script& code,
                          std::vector<std::string> keys, std::vector<std::string> arguments, boot_time deadline)
{
    const auto key_views = views(keys);
    const auto argument_views = views(arguments);
    into->begun = boot_clock::now();
    into->outcome.emplace(co_await client.eval(code, key_views, argument_views, deadline));
    into->ended = boot_clock::now();
}

log::options log_to(int descriptor)
{
    log::options chosen;
    chosen.least = log::level::debug;
    chosen.descriptor = descriptor;
    return chosen;
}

int memory_file()
{
    // As the runtime does it for every worker: hiredis writes to sockets that may be closed.
    std::signal(SIGPIPE, SIG_IGN);
    return memfd_create("log", MFD_CLOEXEC);
}

}  // namespace

redis::options impatient(const std::string& unix_path)
{
    using std::chrono::milliseconds;
    redis::options chosen;
    chosen.where.unix_path = unix_path;
    chosen.connect_timeout = milliseconds{200};
    chosen.command_timeout = milliseconds{40};
    chosen.least_backoff = milliseconds{1};
    chosen.most_backoff = milliseconds{10};
    return chosen;
}

client_fixture::client_fixture(boost::asio::io_context& on_loop, redis::options chosen)
    : log_file_{memory_file()},
      loop{on_loop},
      log{log_to(log_file_)},
      tasks{loop.get_executor(), log},
      client{loop, std::move(chosen), tasks, log, metrics}
{
}

client_fixture::~client_fixture()
{
    client.stop();
    CHECK(until([this] { return tasks.running() == 0; }));
    loop.poll();
    close(log_file_);
}

void client_fixture::connect()
{
    client.start();
    REQUIRE(until([this] { return client.available(); }));
}

bool client_fixture::until(const std::function<bool()>& done) const
{
    return run_until(loop, done);
}

call_ptr client_fixture::begin(std::vector<std::string> arguments, boot_time deadline)
{
    auto slot = std::make_shared<call>();
    tasks.spawn("test", command_task(client, slot, std::move(arguments), deadline));
    return slot;
}

call_ptr client_fixture::begin_eval(const redis::script& code, std::vector<std::string> keys,
                                    std::vector<std::string> arguments, boot_time deadline)
{
    auto slot = std::make_shared<call>();
    tasks.spawn("test", eval_task(client, slot, code, std::move(keys), std::move(arguments), deadline));
    return slot;
}

result<redis::value> client_fixture::run(std::vector<std::string> arguments, boot_time deadline)
{
    const auto slot = begin(std::move(arguments), deadline);
    REQUIRE(until([&] { return slot->outcome.has_value(); }));
    return *slot->outcome;
}

result<redis::value> client_fixture::eval(const redis::script& code, std::vector<std::string> keys,
                                          std::vector<std::string> arguments)
{
    const auto slot = begin_eval(code, std::move(keys), std::move(arguments));
    REQUIRE(until([&] { return slot->outcome.has_value(); }));
    return *slot->outcome;
}

std::string client_fixture::logged() const
{
    std::string text(static_cast<std::size_t>(lseek(log_file_, 0, SEEK_END)), '\0');
    const auto size = pread(log_file_, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

double client_fixture::metric(std::string_view name_and_labels) const
{
    const auto text = "\n" + metrics.render();
    const auto line = text.find("\n" + std::string{name_and_labels} + " ");
    if (line == std::string::npos) return -1;
    return std::stod(text.substr(line + name_and_labels.size() + 2));
}

std::size_t occurrences(std::string_view text, std::string_view part)
{
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
    return count;
}

}  // namespace shoal::test
