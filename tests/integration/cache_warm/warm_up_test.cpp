// A process that begins where another one serves, with the real Redis as second level.

#include "services/cache/warm/warm_up.hpp"

#include <csignal>

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <stop_token>
#include <string>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/store/second_level_keys.hpp"
#include "services/cache/warm/listing.hpp"
#include "tests/support/answering_socket.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run_until.hpp"

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// Tag 1 was purged at a position of 5.
class purges final : public coherence_view {
public:
    bool leased = true;

    [[nodiscard]] bool current(boot_time) const noexcept override { return leased; }
    [[nodiscard]] stamp position() const noexcept override { return {1, 9}; }
    [[nodiscard]] boot_time relayed_at() const noexcept override { return boot_time::min(); }
    [[nodiscard]] boot_time viewed_at() const noexcept override { return boot_time::min(); }
    [[nodiscard]] lsn purged() const noexcept override { return 0; }
    [[nodiscard]] lsn viewed() const noexcept override { return 0; }
    [[nodiscard]] standing judge(const stamp& of, std::span<const tag> tags) const noexcept override
    {
        const bool has = std::ranges::find(tags, tag{1}) != tags.end();
        return has && of.sequence < 5 ? standing::purged : standing::current;
    }
};

class any_variant final : public variant_source {
public:
    [[nodiscard]] std::string_view of(std::string_view) override { return "x"; }
};

stored_ptr a_response(const std::string& key, tag of = 2, std::size_t size = 100, const std::string& vary = {})
{
    stored_parts made;
    made.key = key;
    made.vary = vary;
    made.variant = vary.empty() ? "" : "x";
    made.body = {share(std::string(size, 'b'))};
    made.use.fresh_for = 60;
    made.received = boot_clock::now();
    made.wall_received = wall_clock::now();
    made.since = {1, 1};
    made.tags = {of};
    return stored::make(made);
}

redis::options options_of(const test::redis_server& server)
{
    redis::options made;
    made.where.unix_path = server.path();
    made.command_timeout = 5s;
    return made;
}

class newcomer {
public:
    newcomer()
    {
        // hiredis writes to a Redis that a test has ended.
        std::signal(SIGPIPE, SIG_IGN);
        client.start();
        REQUIRE(test::run_until(loop, [this] { return client.available(); }));
    }
    ~newcomer()
    {
        before.stop_listening();
        client.stop();
        loop.restart();
        loop.run_for(5s);
    }

    void put(const stored_ptr& what)
    {
        const auto written = level.total().written;
        level.put(what);
        REQUIRE(test::run_until(loop, [&] { return level.total().written == written + 1; }));
    }
    void begin()
    {
        tasks.spawn("test", [](newcomer& at) -> asio::awaitable<void> {
            const warm_parts parts{
                .loop = at.loop, .tasks = at.tasks, .log = at.log, .purges = at.view, .l1 = at.l1, .l2 = at.level};
            worker::succession from{at.before.path(), at.over.get_token()};
            at.restored = co_await warm_up(parts, std::move(from));
        }(*this));
    }
    std::size_t warm()
    {
        begin();
        REQUIRE(test::run_until(loop, [this] { return restored.has_value(); }));
        return *restored;
    }
    stored_ptr find(std::string_view key)
    {
        any_variant asks;
        return l1.find(key, asks);
    }

    test::redis_server server{{"--appendonly", "no"}};
    asio::io_context loop{1};
    log::logger log{{.least = log::level::error, .descriptor = 2, .format = log::style::text, .worker = "test"}};
    runtime::task_group tasks{loop.get_executor(), log};
    metrics::registry metrics;
    redis::client client{loop, options_of(server), tasks, log, metrics};
    second_level level{loop, tasks, &client, {}};
    memory l1{std::uint64_t{1024} * 1024, 1};
    purges view;
    test::answering_socket before{loop};
    std::stop_source over;
    std::optional<std::size_t> restored;
};

}  // namespace

TEST_CASE("warm up: a process that had nothing is followed at once", "[cache]")
{
    newcomer next;
    next.before.answer_body("");
    CHECK(next.warm() == 0);
}

TEST_CASE("warm up: one that is told to end while it waits for its lease does", "[cache]")
{
    newcomer next;
    next.before.answer_body("m0 " + record_name(*a_response("http://a/")) + "\n");
    next.view.leased = false;
    next.begin();
    REQUIRE(test::run_until(next.loop, [&] { return !next.before.asked().empty(); }));
    next.loop.restart();
    next.loop.run_for(50ms);
    CHECK(!next.restored);
    next.over.request_stop();
    CHECK(test::run_until(next.loop, [&] { return next.restored.has_value(); }));
}

TEST_CASE("warm up: what the process before had comes back, where it stood there", "[cache][warm]")
{
    newcomer at;
    std::string listing;
    std::vector<stored_ptr> had;
    for (int i = 0; i < 100; ++i) {
        had.push_back(a_response("/" + std::to_string(i), 2, 100, i % 2 == 0 ? "" : "accept"));
        append_line(listing, *had.back(), {.in_main = i < 50, .uses = static_cast<std::uint8_t>(i % 4)});
        if (i != 7) at.put(had.back());
    }
    at.before.answer_body(listing);
    CHECK(at.warm() == 99);
    CHECK_THAT(at.before.asked(), Catch::StartsWith("GET /-/cache/hottest HTTP/1.1\r\n"));
    for (int i = 0; i < 100; ++i) CHECK((at.find(had[static_cast<std::size_t>(i)]->key()) != nullptr) == (i != 7));
    std::size_t in_main = 0;
    memory::walk through{at.l1};
    for (auto step = through.next(); step; step = through.next()) in_main += step->rank.in_main ? 1 : 0;
    CHECK(in_main == 49);
}

TEST_CASE("warm up: what was purged stays away", "[cache][warm]")
{
    newcomer at;
    std::string listing;
    for (const auto& one : {a_response("/purged", 1), a_response("/kept", 2)}) {
        append_line(listing, *one, {});
        at.put(one);
    }
    at.before.answer_body(listing);
    CHECK(at.warm() == 1);
    CHECK(at.find("/purged") == nullptr);
    CHECK(at.find("/kept") != nullptr);
}

TEST_CASE("warm up: brings back as much as there is room for, the first ones", "[cache][warm]")
{
    newcomer at;
    std::string listing;
    for (int i = 0; i < 40; ++i) {
        const auto one = a_response("/" + std::to_string(i), 2, 50'000);
        append_line(listing, *one, {.in_main = true, .uses = 3});
        at.put(one);
    }
    at.before.answer_body(listing);
    const auto restored = at.warm();
    CHECK(restored >= 18);
    CHECK(restored < 21);
    CHECK(at.l1.total().evicted == 0);
    // Answers of Redis are in the order of the questions.
    for (std::size_t i = 0; i < restored; ++i) CHECK(at.find("/" + std::to_string(i)) != nullptr);
}

TEST_CASE("warm up: waits for the lease, without which nothing can be judged", "[cache][warm]")
{
    newcomer at;
    at.view.leased = false;
    const auto one = a_response("/a");
    std::string listing;
    append_line(listing, *one, {});
    at.put(one);
    at.before.answer_body(listing);
    at.begin();
    REQUIRE(test::run_until(at.loop, [&at] { return !at.before.asked().empty(); }));
    at.loop.run_for(20ms);
    CHECK(at.find("/a") == nullptr);
    at.view.leased = true;
    REQUIRE(test::run_until(at.loop, [&at] { return at.restored.has_value(); }));
    CHECK(at.find("/a") != nullptr);
}

TEST_CASE("warm up: ends with what there is when nobody waits any more", "[cache][warm]")
{
    newcomer at;
    at.view.leased = false;
    at.before.answer_body("m0 " + url_keys{"/a"}.record() + "\n");
    at.begin();
    REQUIRE(test::run_until(at.loop, [&at] { return !at.before.asked().empty(); }));
    CHECK_FALSE(at.restored);
    at.over.request_stop();
    REQUIRE(test::run_until(at.loop, [&at] { return at.restored.has_value(); }));
    CHECK(*at.restored == 0);
}

TEST_CASE("warm up: memory begins empty when nobody is there, or nothing is understood", "[cache][warm]")
{
    newcomer at;
    SECTION("nobody")
    {
        at.before.stop_listening();
    }
    SECTION("another program")
    {
        at.before.answer("220 mail.example ESMTP\r\n\r\n");
    }
    SECTION("a process that knows no listing")
    {
        at.before.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
    SECTION("a listing of another version")
    {
        at.before.answer_body("m0 z:{}\n");
    }
    SECTION("far too much")
    {
        at.before.answer_body(std::string(most_listing_bytes + 1, 'm'));
    }
    SECTION("names that Redis knows nothing of")
    {
        std::string listing;
        for (int i = 0; i < 1'000; ++i) append_line(listing, *a_response(std::to_string(i)), {});
        at.before.answer_body(listing);
    }
    CHECK(at.warm() == 0);
    CHECK(at.l1.total().objects == 0);
}

TEST_CASE("warm up: a second level that is away holds nothing up", "[cache][warm]")
{
    newcomer at;
    std::string listing;
    for (int i = 0; i < 1'000; ++i) append_line(listing, *a_response(std::to_string(i)), {});
    at.before.answer_body(listing);
    at.client.stop();
    CHECK(at.warm() == 0);
}
