// Names: from /etc/hosts and from DNS, kept, asked for anew, and old ones used when nothing new comes.

#include <functional>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <catch2/catch.hpp>

#include "common/config/reader.hpp"
#include "services/cache/origin/address.hpp"
#include "services/cache/origin/resolver.hpp"
#include "services/cache/origin/server.hpp"
#include "tests/support/run_until.hpp"
#include "tests/unit/cache_origin/dns_server.hpp"
#include "tests/unit/cache_origin/fixture.hpp"
#include "tests/unit/cache_origin/scripted_origin.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using cache::origin::addresses;
using cache::origin::parse_address;
using cache::origin::resolver;
using cache::origin::resolver_options;

boost::asio::awaitable<void> acquire_task(std::shared_ptr<cache::origin::server> from,
                                          std::optional<result<cache::origin::lease>>& into)
{
    const auto deadline = boot_clock::now() + 60s;
    into.emplace(co_await cache::origin::server::acquire(std::move(from), deadline, deadline));
}

boost::asio::awaitable<void> find_task(resolver& from, std::string name, boot_time deadline,
                                       std::optional<result<addresses>>& into)
{
    into = co_await from.find(std::move(name), deadline);
}

/// The addresses, or the error's message.
std::string find(boost::asio::io_context& loop, resolver& from, const std::string& name,
                 std::chrono::milliseconds patience = 60s)
{
    std::optional<result<addresses>> got;
    boost::asio::co_spawn(loop, find_task(from, name, boot_clock::now() + patience, got), boost::asio::detached);
    const auto keep = boost::asio::make_work_guard(loop);
    REQUIRE(test::run_until(loop, [&] { return got.has_value(); }));
    if (!*got) return got->error().message();
    std::string text;
    for (const auto& one : ***got) text += (text.empty() ? "" : " ") + one.to_string();
    return text;
}

bool until(boost::asio::io_context& loop, const std::function<bool()>& done)
{
    const auto keep = boost::asio::make_work_guard(loop);
    return test::run_until(loop, done);
}

const std::string unreachable = make_error_code(errc::origin_unreachable).message();

}  // namespace

TEST_CASE("origin names: localhost is found without asking anybody", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    resolver names{loop, resolver_options{.servers = dns.address()}};
    CHECK(find(loop, names, "localhost").find("127.0.0.1") != std::string::npos);
    CHECK(dns.asked.empty());
}

TEST_CASE("origin names: what was found is kept for its time, then asked for behind the scenes", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    dns.names["app.test"] = {.addresses = {"192.0.2.1", "192.0.2.2"}, .ttl = 3600};
    const auto kept = GENERATE(true, false);
    resolver names{loop, resolver_options{.servers = dns.address(), .least = 1ms, .most = kept ? 1h : 2ms}};
    const auto first = find(loop, names, "app.test");
    CHECK((first == "192.0.2.1 192.0.2.2" || first == "192.0.2.2 192.0.2.1"));
    CHECK(dns.asked["app.test"] == 1);
    dns.names["app.test"] = {.addresses = {"192.0.2.3"}, .ttl = 3600};
    if (kept) {
        CHECK(find(loop, names, "app.test") == first);
        loop.poll();
        CHECK(dns.asked["app.test"] == 1);
    } else {
        CHECK(until(loop, [&] { return find(loop, names, "app.test") == "192.0.2.3"; }));
    }
}

TEST_CASE("origin names: a short time to live is no reason to ask more often than allowed", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    dns.names["app.test"] = {.addresses = {"192.0.2.1"}, .ttl = 0};
    resolver names{loop, resolver_options{.servers = dns.address()}};
    for (int i = 0; i < 5; ++i) CHECK(find(loop, names, "app.test") == "192.0.2.1");
    loop.poll();
    CHECK(dns.asked["app.test"] == 1);
}

TEST_CASE("origin names: old addresses serve on while a name can't be found, or nobody answers", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    dns.names["app.test"] = {.addresses = {"192.0.2.1"}};
    resolver names{loop, resolver_options{.servers = dns.address(), .least = 1ms, .most = 1ms}};
    CHECK(find(loop, names, "app.test") == "192.0.2.1");
    dns.silent = GENERATE(true, false);
    dns.names.clear();
    // It is asked for again, and found wanting.
    CHECK(until(loop, [&] {
        CHECK(find(loop, names, "app.test") == "192.0.2.1");
        return dns.asked["app.test"] >= (dns.silent ? 2 : 3);
    }));
    dns.silent = false;
    dns.names["app.test"] = {.addresses = {"192.0.2.9"}};
    CHECK(until(loop, [&] { return find(loop, names, "app.test") == "192.0.2.9"; }));
}

TEST_CASE("origin names: an unknown name fails, is not asked for at each request, and is found when it appears",
          "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    resolver names{loop, resolver_options{.servers = dns.address(), .after_failure = 50ms}};
    CHECK(find(loop, names, "absent.test") == unreachable);
    const auto asked = dns.asked["absent.test"];
    for (int i = 0; i < 5; ++i) CHECK(find(loop, names, "absent.test") == unreachable);
    CHECK(dns.asked["absent.test"] == asked);
    dns.names["absent.test"] = {.addresses = {"192.0.2.1"}};
    CHECK(until(loop, [&] { return find(loop, names, "absent.test") == "192.0.2.1"; }));
}

TEST_CASE("origin names: nobody waits beyond a deadline, and all who wait ask once", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    dns.silent = true;
    resolver names{loop, resolver_options{.servers = dns.address()}};
    CHECK(find(loop, names, "app.test", 20ms) == unreachable);
    CHECK(find(loop, names, "app.test", 20ms) == unreachable);
    CHECK(dns.asked["app.test"] == 1);
}

TEST_CASE("origin names: addresses of both kinds", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    dns.names["app.test"] = {.addresses = {"2001:db8::1"}};
    resolver names{loop, resolver_options{.servers = dns.address()}};
    CHECK(find(loop, names, "app.test") == "2001:db8::1");
}

TEST_CASE("origin names: a resolver that goes away lets nobody wait", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    dns.silent = true;
    std::optional<resolver> names{std::in_place, loop, resolver_options{.servers = dns.address()}};
    std::optional<result<addresses>> got;
    boost::asio::co_spawn(loop, find_task(*names, "app.test", boot_clock::now() + 60s, got), boost::asio::detached);
    REQUIRE(until(loop, [&] { return dns.asked["app.test"] == 1; }));
    names.reset();
    CHECK(until(loop, [&] { return got.has_value(); }));
    CHECK(got->error() == errc::origin_unreachable);
}

TEST_CASE("origin names: a server by its name", "[origin]")
{
    boost::asio::io_context loop{1};
    // Listens on 127.0.0.1 only; localhost may be ::1 as well.
    test::scripted_origin server{loop, test::scripted_origin::kind::tcp};
    server.always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    test::origin_fixture client{loop, test::patient({"localhost:" + std::to_string(server.port())})};
    CHECK(client.fetch()->body == "ok");
    CHECK(client.connections() == 1);
}

TEST_CASE("origin names: all addresses of a server are tried", "[origin]")
{
    boost::asio::io_context loop{1};
    test::dns_server dns{loop};
    dns.names["app.test"] = {.addresses = {"127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4"}};
    test::scripted_origin listening{loop, test::scripted_origin::kind::tcp};
    test::origin_fixture around{loop, test::patient({listening.address()})};
    const auto parts = std::make_shared<cache::origin::shared_parts>(
        loop, test::patient({}), around.logger, around.metrics, resolver_options{.servers = dns.address()});
    const auto server = std::make_shared<cache::origin::server>(parts, "app.test:" + std::to_string(listening.port()),
                                                                around.metrics.add_gauge("healthy", ""));
    std::optional<result<cache::origin::lease>> got;
    boost::asio::co_spawn(loop, acquire_task(server, got), boost::asio::detached);
    REQUIRE(until(loop, [&] { return got.has_value(); }));
    REQUIRE(got->has_value());
    CHECK(until(loop, [&] { return listening.peers().size() == 1; }));
}

TEST_CASE("origin names: what a server may be called", "[origin]")
{
    CHECK(parse_address("127.0.0.1:80").fixed);
    CHECK(parse_address("[::1]:80").fixed);
    CHECK(parse_address("unix:/run/app.sock").fixed);
    CHECK(parse_address("app.internal:8080").name == "app.internal");
    CHECK(parse_address("app.internal:8080").port == 8080);
    for (const auto* wrong :
         {"", "host", "host:", "host:0", "host:65536", "host:x", ":80", "::1:80", "[127.0.0.1]:80", "[app]:80",
          "a b:80", "-a:80", ".a:80", "http://a:80", "unix:relative", "unix:", "[::1]", "a/b:80", "user@a:80"})
        CHECK_THROWS_AS(parse_address(wrong), config::error);
    CHECK_THROWS_AS(parse_address("unix:/" + std::string(107, 'x')), config::error);
}
