// Origins that are slow, dead, half-open, that reset, lie and flood.

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/cache_origin/fixture.hpp"
#include "tests/unit/cache_origin/scripted_origin.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using test::scripted_origin;
using kind = scripted_origin::kind;
using peer = scripted_origin::peer_ptr;

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

}  // namespace

TEST_CASE("origin trouble: byte by byte is slow, and nothing else", "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    server.on_request([](const peer& from, const std::string&) {
        from->send_slowly(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n");
    });
    test::origin_fixture client{loop, test::patient({server.address()})};
    for (int i = 0; i < 2; ++i) {
        const auto got = client.fetch();
        CHECK(!got->error);
        CHECK(got->body == "abcde");
        CHECK(!got->length);
        CHECK(got->trailers == "X-Sum: 5\r\n");
    }
    CHECK(server.peers().size() == 1);
}

TEST_CASE("origin trouble: a refused connection is unreachable, at once", "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    server.stop_listening();
    test::origin_fixture client{loop, test::patient({server.address()})};
    CHECK(client.fetch()->error == errc::origin_unreachable);
    CHECK(client.failures("unreachable") == 1);
    CHECK(client.connections() == 0);

    test::origin_fixture absent{loop, test::patient({"unix:/nonexistent/origin.sock"})};
    CHECK(absent.fetch()->error == errc::origin_unreachable);
}

TEST_CASE("origin trouble: a connect that hangs ends with its time", "[origin]")
{
    // A queue that is full and that nobody takes from: TCP drops what comes, a unix socket says EAGAIN.
    const auto family = GENERATE(AF_INET, AF_UNIX);
    const test::temp_folder folder;
    boost::asio::io_context loop{1};
    using generic = boost::asio::generic::stream_protocol;
    const auto where =
        family == AF_INET
            ? generic::endpoint{boost::asio::ip::tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}}
            : generic::endpoint{boost::asio::local::stream_protocol::endpoint{folder.file("s")}};
    boost::asio::basic_socket_acceptor<generic> full{loop, where, false};
    ::listen(full.native_handle(), 0);
    std::vector<generic::socket> fillers;
    for (int i = 0; i < 4; ++i) {
        fillers.emplace_back(loop, generic{family, 0});
        fillers.back().native_non_blocking(true);
        auto at = full.local_endpoint();
        (void)::connect(fillers.back().native_handle(), at.data(), static_cast<socklen_t>(at.size()));
    }
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(full.native_handle(), reinterpret_cast<sockaddr*>(&bound), &size);
    auto chosen = test::patient(
        {family == AF_INET ? "127.0.0.1:" + std::to_string(ntohs(bound.sin_port)) : "unix:" + folder.file("s")});
    chosen.bounds.connect = 50ms;
    test::origin_fixture client{loop, chosen};
    const auto got = client.fetch();
    CHECK(got->error == errc::origin_unreachable);
    CHECK(got->took >= 50ms);
    CHECK(got->took < 2s);
}

TEST_CASE("origin trouble: who accepts and never answers is waited for as long as allowed", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    auto chosen = test::patient({server.address()});
    chosen.bounds.first_byte = 40ms;
    SECTION("nothing")
    {
        test::origin_fixture client{loop, chosen};
        const auto got = client.fetch();
        CHECK(got->error == errc::origin_timeout);
        CHECK(got->took >= 40ms);
        CHECK(client.connections() == 0);
        CHECK(client.failures("timeout") == 1);
    }
    SECTION("a head that does not end")
    {
        server.always("HTTP/1.1 200 OK\r\nA: b\r\n");
        test::origin_fixture client{loop, chosen};
        CHECK(client.fetch()->error == errc::origin_timeout);
    }
    SECTION("a body that stops")
    {
        server.always("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        chosen.bounds.between_bytes = 40ms;
        test::origin_fixture client{loop, chosen};
        const auto got = client.fetch();
        CHECK(got->status == 200);
        CHECK(got->body == "hello");
        CHECK(got->error == errc::origin_timeout);
        CHECK(client.connections() == 0);
    }
    SECTION("the caller's deadline, which says nothing about the origin")
    {
        chosen.bounds.first_byte = 60s;
        test::origin_fixture client{loop, chosen};
        for (int i = 0; i < 5; ++i)
            CHECK(client.fetch(test::get(), false, boot_clock::now() + 20ms)->error == errc::origin_timeout);
        CHECK(client.healthy(server.address()) == 1);
    }
}

TEST_CASE("origin trouble: connections that break off", "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    test::origin_fixture client{loop, test::patient({server.address()})};
    SECTION("closed before the head")
    {
        server.on_request([](const peer& from, const std::string&) { from->close(); });
        CHECK(client.fetch()->error == errc::origin_lost);
        CHECK(server.peers().size() == 1);
    }
    SECTION("reset before the head")
    {
        server.on_request([](const peer& from, const std::string&) { from->reset(); });
        CHECK(client.fetch()->error == errc::origin_lost);
    }
    SECTION("closed in the head")
    {
        server.on_request([](const peer& from, const std::string&) {
            from->send("HTTP/1.1 200 OK\r\nA: b");
            from->close();
        });
        CHECK(client.fetch()->error == errc::origin_lost);
    }
    SECTION("closed in the body")
    {
        server.on_request([](const peer& from, const std::string&) {
            from->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
            from->close();
        });
        const auto got = client.fetch();
        CHECK(got->body == "hello");
        CHECK(got->error == errc::origin_lost);
    }
    SECTION("closed before the last chunk")
    {
        server.on_request([](const peer& from, const std::string&) {
            from->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            from->close();
        });
        CHECK(client.fetch()->error == errc::origin_lost);
    }
    SECTION("reset in a body that ends with the connection")
    {
        server.on_request([](const peer& from, const std::string&) { from->send("HTTP/1.1 200 OK\r\n\r\nhello"); });
        const auto got = client.fetch(test::get(), true);
        REQUIRE(client.until([&] { return got->rest->ready(); }));
        server.peers()[0]->reset();
        client.read_rest(got);
        // A unix socket knows no reset but for unread input.
        if (of == kind::tcp) CHECK(got->error == errc::origin_lost);
        CHECK(got->body == "hello");
    }
    CHECK(client.connections() == 0);
}

TEST_CASE("origin trouble: floods are bounded", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    test::origin_fixture client{loop, test::patient({server.address()})};
    std::string flood;
    SECTION("of headers")
    {
        flood = "HTTP/1.1 200 OK\r\n";
        for (int i = 0; i < 20'000; ++i) flood += "X-" + std::to_string(i) + ": y\r\n";
    }
    SECTION("of one header")
    {
        flood = "HTTP/1.1 200 OK\r\nX: " + std::string(500'000, 'x');
    }
    SECTION("of interim answers")
    {
        for (int i = 0; i < 20'000; ++i) flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
    }
    SECTION("of trailers")
    {
        flood = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
        for (int i = 0; i < 20'000; ++i) flood += "X-" + std::to_string(i) + ": y\r\n";
    }
    server.always(flood);
    // What one URL brings says nothing about the server.
    for (int i = 0; i < 4; ++i) CHECK(client.fetch()->error == errc::origin_malformed);
    CHECK(client.failures("malformed") == 4);
    CHECK(client.connections() == 0);
    CHECK(client.healthy(server.address()) == 1);
}

TEST_CASE("origin trouble: bytes beyond an answer reach nobody", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    const std::string evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    test::origin_fixture client{loop, test::patient({server.address()})};
    SECTION("with it")
    {
        server.always(good + evil);
        for (int i = 0; i < 3; ++i) CHECK(client.fetch()->body == "good");
        CHECK(server.peers().size() == 3);
        CHECK(client.connections() == 0);
    }
    SECTION("after it")
    {
        server.always(good);
        CHECK(client.fetch()->body == "good");
        server.peers()[0]->send(evil);
        CHECK(client.fetch()->body == "good");
        CHECK(server.peers().size() == 2);
    }
    SECTION("in an answer to HEAD")
    {
        server.always(evil);
        auto what = test::get();
        what.head = "HEAD / HTTP/1.1\r\nHost: example.org\r\n";
        what.head_method = true;
        const auto got = client.fetch(std::move(what));
        CHECK(got->status == 200);
        CHECK(got->length == 0);
        CHECK(got->body.empty());
        CHECK(client.connections() == 0);
    }
    SECTION("before any request")
    {
        server.on_accept = [&](const peer& from) { from->send(evil); };
        server.always(good);
        (void)client.fetch();
        CHECK(client.connections() == 0);
    }
}

TEST_CASE("origin trouble: 5xx are answers", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
    test::origin_fixture client{loop, test::patient({server.address()})};
    for (int i = 0; i < 10; ++i) CHECK(client.fetch()->status == 503);
    CHECK(client.healthy(server.address()) == 1);
    CHECK(server.peers().size() == 1);
}

TEST_CASE("origin trouble: repeats add no more than a tenth to what an origin that fails is asked", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    // Whoever comes with a used connection finds it closed, and each answer makes the next one come so.
    server.on_request([](const peer& from, const std::string&) {
        if (from->requests == 1) return from->send(good);
        from->close();
    });
    test::origin_fixture client{loop, test::patient({server.address()})};
    constexpr std::size_t many = 2000;
    const auto begun = boot_clock::now();
    for (std::size_t i = 0; i < many; ++i) static_cast<void>(client.fetch());
    const auto seconds = std::chrono::duration<double>(boot_clock::now() - begun).count();
    const auto asked = static_cast<double>(server.heads().size());
    CHECK(asked <= 1.1 * many + 20 + seconds + 1);
    CHECK(client.metric("shoal_cache_origin_retries_total{site=\"s\"}") == asked - many);
    CHECK(client.metric("shoal_cache_origin_retries_refused_total{site=\"s\"}") == client.failures("lost"));
    CHECK(client.failures("lost") > 0);
}

TEST_CASE("origin trouble: servers that are all out are not all tried for each request", "[origin]")
{
    boost::asio::io_context loop{1};
    auto chosen = test::patient({});
    for (int i = 0; i < 8; ++i) chosen.servers.push_back("unix:/nonexistent/" + std::to_string(i));
    test::origin_fixture client{loop, chosen};
    constexpr std::size_t many = 1000;
    const auto begun = boot_clock::now();
    for (std::size_t i = 0; i < many; ++i) CHECK(client.fetch()->error == errc::origin_unreachable);
    const auto seconds = std::chrono::duration<double>(boot_clock::now() - begun).count();
    CHECK(client.metric("shoal_cache_origin_retries_total{site=\"s\"}") <= 0.1 * many + 20 + seconds + 1);
    CHECK(client.metric("shoal_cache_origin_retries_refused_total{site=\"s\"}") >= 0.5 * many);
}

TEST_CASE("origin trouble: servers that are out take nothing of the budget where another one is well", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(good);
    test::origin_fixture client{
        loop, test::patient({"unix:/nonexistent/a", "unix:/nonexistent/b", "unix:/nonexistent/c", server.address()})};
    // Until those that are out were due to be tried again, and more than once.
    const auto until = boot_clock::now() + 2500ms;
    while (boot_clock::now() < until) CHECK(client.fetch()->body == "good");
    CHECK(client.failures("unreachable") == 0);
    CHECK(client.metric("shoal_cache_origin_retries_total{site=\"s\"}") == 0);
}
