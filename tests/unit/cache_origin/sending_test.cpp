// Bodies on their way to an origin, and what comes back meanwhile.

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include "tests/unit/cache_origin/fixture.hpp"
#include "tests/unit/cache_origin/scripted_origin.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using cache::origin::outgoing;
using test::scripted_origin;
using kind = scripted_origin::kind;
using peer = scripted_origin::peer_ptr;

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

/// Pieces of 64 KiB, and how many were asked for.
outgoing endless(const std::shared_ptr<std::size_t>& asked, std::size_t most)
{
    outgoing what;
    what.head = "POST / HTTP/1.1\r\nHost: example.org\r\n";
    what.body = [asked, most,
                 piece = std::string(64 * 1024, 'x')]() -> boost::asio::awaitable<result<std::string_view>> {
        if (*asked == most) co_return std::string_view{};
        ++*asked;
        co_return std::string_view{piece};
    };
    return what;
}

}  // namespace

TEST_CASE("origin: a body goes out with its length, or in chunks", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    std::string body;
    std::string wanted;
    server.on_body = [&](const peer& from) {
        body += std::exchange(from->input, {});
        if (body == wanted) from->send(good);
    };
    test::origin_fixture client{loop, test::patient({server.address()})};

    wanted = "hello world";
    CHECK(client.fetch(test::post({"hello", " world"}))->body == "good");
    CHECK(server.heads()[0] == "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 11\r\n\r\n");
    body.clear();
    wanted = "5\r\nhello\r\n12\r\n" + std::string(18, 'x') + "\r\n0\r\n\r\n";
    CHECK(client.fetch(test::post({"hello", std::string(18, 'x')}, true))->body == "good");
    CHECK(server.heads()[1] == "POST / HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(server.peers().size() == 1);

    // A body that turns out to be empty is still one.
    server.on_request([](const peer& from, const std::string&) { from->send(good); });
    CHECK(client.fetch(test::post({}))->body == "good");
    CHECK(server.heads()[2] == "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("origin: a body waits for an origin that does not take it", "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    std::size_t received = 0;
    server.on_request([](const peer& from, const std::string&) { from->stop_reading(); });
    server.on_body = [&](const peer& from) {
        if (from->input.ends_with("\r\n0\r\n\r\n")) from->send(good);
        received += from->input.size();
        from->input.erase(0, from->input.size() - std::min<std::size_t>(from->input.size(), 7));
        received -= from->input.size();
    };
    test::origin_fixture client{loop, test::patient({server.address()})};
    const auto asked = std::make_shared<std::size_t>(0);
    const auto got = client.begin(endless(asked, 1000));
    // What the kernel keeps for both sides is a few MiB at most; the body is 64.
    REQUIRE(client.until([&] { return *asked > 0; }));
    for (std::size_t before = 0; before != *asked; loop.poll()) before = *asked;
    CHECK(*asked < 500);
    CHECK_FALSE(got->done);
    server.peers()[0]->go_on_reading();
    CHECK(client.wait(got)->body == "good");
    CHECK(*asked == 1000);
    CHECK(client.connections() == 1);
}

TEST_CASE("origin: an origin that never takes the body is timed out", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.on_request([](const peer& from, const std::string&) { from->stop_reading(); });
    auto chosen = test::patient({server.address()});
    chosen.bounds.between_bytes = 40ms;
    test::origin_fixture client{loop, chosen};
    const auto asked = std::make_shared<std::size_t>(0);
    CHECK(client.fetch(endless(asked, 1000))->error == errc::origin_timeout);
    CHECK(client.connections() == 0);
}

TEST_CASE("origin: an answer that comes while the body is sent is taken, and the connection is not used again",
          "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    const bool closes = GENERATE(false, true);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    server.on_request([closes](const peer& from, const std::string&) {
        from->stop_reading();
        from->send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
        // With unread input this is a reset: the answer may be lost, which is no reason to hang.
        if (closes) from->close();
    });
    test::origin_fixture client{loop, test::patient({server.address()})};
    const auto asked = std::make_shared<std::size_t>(0);
    const auto got = client.fetch(endless(asked, 1000));
    if (closes && got->error) {
        CHECK(got->error == errc::origin_lost);
    } else {
        CHECK(got->status == 413);
        CHECK(got->body == "no!");
    }
    CHECK(*asked < 1000);
    CHECK(client.connections() == 0);
}

TEST_CASE("origin: an early answer to a body whose rest is not there yet", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n");
    test::origin_fixture client{loop, test::patient({server.address()})};
    boost::asio::steady_timer gate{loop, boost::asio::steady_timer::time_point::max()};
    outgoing what;
    what.head = "POST / HTTP/1.1\r\nHost: example.org\r\n";
    what.body_length = 10;
    what.body = [&gate]() -> boost::asio::awaitable<result<std::string_view>> {
        boost::system::error_code opened;
        co_await gate.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, opened));
        co_return std::string_view{"hello"};
    };
    const auto got = client.fetch(std::move(what));
    CHECK(got->status == 401);
    CHECK(client.connections() == 0);
}

TEST_CASE("origin: the rest of a body goes out while its early answer comes in", "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    // As HTTP/1.0 does it, the answer ends with the connection, and that once all of the request was read.
    server.on_request([](const peer& from, const std::string&) { from->send("HTTP/1.1 403 No\r\n\r\nno, "); });
    std::size_t received = 0;
    server.on_body = [&](const peer& from) {
        const bool ends = from->input.ends_with("\r\n0\r\n\r\n");
        received += from->input.size();
        from->input.erase(0, from->input.size() - std::min<std::size_t>(from->input.size(), 7));
        received -= from->input.size();
        if (!ends) return;
        from->send("and that is all");
        from->close();
    };
    test::origin_fixture client{loop, test::patient({server.address()})};
    const auto asked = std::make_shared<std::size_t>(0);
    const auto got = client.fetch(endless(asked, 100));
    CHECK(got->status == 403);
    CHECK(got->body == "no, and that is all");
    CHECK(*asked == 100);
    CHECK(received > 100 * 64 * 1024);
    CHECK(client.connections() == 0);
}

TEST_CASE("origin: when the rest of a body fails, its early answer does", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.on_request([](const peer& from, const std::string&) { from->send("HTTP/1.1 403 No\r\n\r\nno, "); });
    test::origin_fixture client{loop, test::patient({server.address()})};
    auto what = test::post({});
    what.body_length = 10;
    what.body = [&server, pieces = 0]() mutable -> boost::asio::awaitable<result<std::string_view>> {
        if (++pieces == 1) co_return std::string_view{"hello"};
        boost::asio::steady_timer turn{co_await boost::asio::this_coro::executor};
        while (server.heads().empty()) {
            turn.expires_after(1ms);
            co_await turn.async_wait(boost::asio::use_awaitable);
        }
        if (pieces == 2) co_return std::string_view{"w"};
        co_return errc::malformed_body;
    };
    const auto got = client.fetch(std::move(what));
    if (got->status == 403) CHECK(got->body == "no, ");
    CHECK(got->error == errc::malformed_body);
    CHECK(client.healthy(server.address()) == 1);
}

TEST_CASE("origin: a body that fails, or lies about its length, ends the request", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    test::origin_fixture client{loop, test::patient({server.address()})};
    SECTION("fails")
    {
        auto what = test::post({"hello"});
        what.body = []() -> boost::asio::awaitable<result<std::string_view>> { co_return errc::connection_lost; };
        const auto got = client.fetch(std::move(what));
        CHECK(got->error == errc::connection_lost);
    }
    SECTION("is longer")
    {
        auto what = test::post({"hello"});
        what.body_length = 4;
        const auto got = client.fetch(std::move(what));
        CHECK(got->error == errc::malformed_body);
    }
    SECTION("is shorter")
    {
        auto what = test::post({"hello"});
        what.body_length = 6;
        const auto got = client.fetch(std::move(what));
        CHECK(got->error == errc::malformed_body);
    }
    CHECK(client.connections() == 0);
    CHECK(client.failures("lost") == 0);
    CHECK(client.healthy(server.address()) == 1);
}

TEST_CASE("origin: interim answers are handed on but for 100, without what is meant for this hop", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(
        "HTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\n\r\n"
        "HTTP/1.1 102 Processing\r\n\r\n" +
        good);
    test::origin_fixture client{loop, test::patient({server.address()})};
    std::string seen;
    auto what = test::get();
    what.on_interim = [&](unsigned status, std::string_view lines) -> boost::asio::awaitable<void> {
        seen += std::to_string(status) + " " + std::string{lines} + "|";
        co_return;
    };
    const auto got = client.fetch(std::move(what));
    CHECK(got->body == "good");
    CHECK(seen == "103 Link: </a>\r\n|102 |");
    CHECK(client.connections() == 1);
}

TEST_CASE("origin: a long head and a long body are passed through whole", "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    std::string body(3'000'000, ' ');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + (i * 31 + i / 1021) % 26);
    const bool sized = GENERATE(true, false);
    server.on_request([&](const peer& from, const std::string&) {
        from->send("HTTP/1.1 200 OK\r\nX-Long: " + std::string(40'000, 'h') + "\r\n" +
                   (sized ? "Content-Length: 3000000\r\n\r\n" : "\r\n") + body);
        if (!sized) from->close();
    });
    test::origin_fixture client{loop, test::patient({server.address()})};
    const auto got = client.fetch();
    CHECK(!got->error);
    CHECK(got->headers.at(0).second.size() == 40'000);
    CHECK(got->body == body);
    CHECK(client.connections() == (sized ? 1 : 0));
}
