#include "tests/unit/cache_origin/fixture.hpp"

#include <sstream>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include "common/runtime/beside.hpp"
#include "tests/support/run_until.hpp"

namespace shoal::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using cache::origin::answer;
using cache::origin::outgoing;

asio::awaitable<void> read_pieces(fetched& into, answer& from)
{
    for (;;) {
        auto piece = co_await from.read();
        if (!piece) {
            into.error = piece.error();
            break;
        }
        if (piece->view.empty()) break;
        into.body += piece->view;
        into.pieces.push_back(std::move(*piece));
    }
    into.trailers = from.trailers();
}

asio::awaitable<void> read_all(fetched_ptr into, std::unique_ptr<answer> from)
{
    if (from->takes_rest())
        co_await runtime::beside(read_pieces(*into, *from), from->send_rest());
    else
        co_await read_pieces(*into, *from);
    from.reset();
    into->done = true;
}

asio::awaitable<void> fetch_task(cache::origin::origin& client, outgoing what, bool head_only, boot_time deadline,
                                 fetched_ptr into)
{
    const auto begun = boot_clock::now();
    auto got = co_await client.send(std::move(what), deadline);
    into->took = boot_clock::now() - begun;
    if (!got) {
        into->error = got.error();
        into->done = true;
        co_return;
    }
    into->status = (*got)->status();
    into->length = (*got)->length();
    for (const auto& one : (*got)->headers()) into->headers.emplace_back(one.name_text, one.value);
    if (!head_only) co_return co_await read_all(into, std::move(*got));
    into->rest = std::move(*got);
    into->done = true;
}

log::options log_to(int descriptor)
{
    log::options chosen;
    chosen.least = log::level::debug;
    chosen.descriptor = descriptor;
    return chosen;
}

}  // namespace

outgoing get(const std::string& path)
{
    outgoing what;
    what.head = "GET " + path + " HTTP/1.1\r\nHost: example.org\r\n";
    what.idempotent = true;
    return what;
}

outgoing post(std::vector<std::string> pieces, bool chunked)
{
    outgoing what;
    what.head = "POST / HTTP/1.1\r\nHost: example.org\r\n";
    std::uint64_t length = 0;
    for (const auto& one : pieces) length += one.size();
    if (!chunked) what.body_length = length;
    what.body = [left = std::make_shared<std::vector<std::string>>(std::move(pieces)),
                 at = std::make_shared<std::size_t>(0)]() -> asio::awaitable<result<std::string_view>> {
        if (*at == left->size()) co_return std::string_view{};
        co_return std::string_view{(*left)[(*at)++]};
    };
    return what;
}

cache::origin::settings patient(std::vector<std::string> servers)
{
    cache::origin::settings chosen;
    chosen.site = "s";
    chosen.servers = std::move(servers);
    chosen.bounds.connect = chosen.bounds.first_byte = chosen.bounds.between_bytes = chosen.bounds.idle = 60s;
    return chosen;
}

origin_fixture::origin_fixture(asio::io_context& on, cache::origin::settings chosen)
    : log_file_{::memfd_create("log", MFD_CLOEXEC)},
      loop{on},
      logger{log_to(log_file_)},
      tasks{loop.get_executor(), logger}
{
    client.emplace(loop, std::move(chosen), tasks, logger, metrics);
}

origin_fixture::~origin_fixture()
{
    if (client) client->stop();
    CHECK(until([&] { return tasks.running() == 0; }));
    CHECK(until([&] { return connections() == 0; }));
    client.reset();
    loop.poll();
    ::close(log_file_);
}

fetched_ptr origin_fixture::begin(outgoing what, bool head_only, boot_time deadline)
{
    auto into = std::make_shared<fetched>();
    tasks.spawn("test", fetch_task(*client, std::move(what), head_only, deadline, into));
    return into;
}

fetched_ptr origin_fixture::fetch(outgoing what, bool head_only, boot_time deadline)
{
    return wait(begin(std::move(what), head_only, deadline));
}

fetched_ptr origin_fixture::wait(fetched_ptr for_it)
{
    REQUIRE(until([&] { return for_it->done; }));
    return for_it;
}

void origin_fixture::read_rest(const fetched_ptr& of)
{
    of->done = false;
    tasks.spawn("test", read_all(of, std::move(of->rest)));
    (void)wait(of);
}

bool origin_fixture::until(const std::function<bool()>& done)
{
    // run_until() gives up when the loop has nothing to do, which is no failure here.
    const auto keep = asio::make_work_guard(loop);
    return run_until(loop, done);
}

double origin_fixture::metric(const std::string& line) const
{
    std::istringstream text{metrics.render()};
    for (std::string one; std::getline(text, one);)
        if (one.starts_with(line + " ")) return std::stod(one.substr(line.size() + 1));
    return 0;
}

double origin_fixture::failures(const std::string& reason) const
{
    return metric("shoal_cache_origin_failures_total{site=\"s\",reason=\"" + reason + "\"}");
}

double origin_fixture::healthy(const std::string& server) const
{
    return metric("shoal_cache_origin_healthy{site=\"s\",server=\"" + server + "\"}");
}

}  // namespace shoal::test
