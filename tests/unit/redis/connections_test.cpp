// Connections that are refused, end, or bring nonsense.

#include "tests/support/resp_server.hpp"
#include "tests/unit/redis/fixture.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::test;
using namespace std::chrono_literals;
using redis::value;

namespace {

struct connections_fixture {
    boost::asio::io_context loop{1};
    resp_server server{loop};
    client_fixture with{loop, impatient(server.path())};

    /// Several commands are in flight when the server sends this, and closes.
    void answer_and_close(const std::string& bytes)
    {
        auto arrived = std::make_shared<int>(0);
        server.on_command([bytes, arrived](const auto& from, const auto&) {
            if (++*arrived < 3) return;
            from->send(bytes);
            from->close();
        });
    }

    std::vector<call_ptr> three_calls()
    {
        std::vector<call_ptr> calls;
        for (int i = 0; i < 3; ++i) calls.push_back(with.begin({"GET", "k"}));
        REQUIRE(with.until([&] { return calls[0]->outcome && calls[1]->outcome && calls[2]->outcome; }));
        return calls;
    }
};

}  // namespace

TEST_CASE_METHOD(connections_fixture, "client: before it is connected every command fails at once", "[redis]")
{
    CHECK_FALSE(with.client.available());
    CHECK(with.run({"GET", "a"}).error() == errc::redis_unavailable);
    with.client.start();
    CHECK(with.run({"GET", "a"}).error() == errc::redis_unavailable);
    CHECK(with.metric("shoal_redis_errors_total{kind=\"unavailable\"}") == 2);
    CHECK(with.metric("shoal_redis_connected") == 0);
}

TEST_CASE_METHOD(connections_fixture, "client: a refused connection is tried again until it works", "[redis]")
{
    server.stop_listening();
    with.client.start();
    REQUIRE(with.until([&] { return occurrences(with.logged(), "Redis is not available") == 1; }));
    CHECK(occurrences(with.logged(), "No such file or directory") == 1);
    for (int i = 0; i < 20; ++i) CHECK(with.run({"GET", "a"}).error() == errc::redis_unavailable);

    server.listen();
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(with.run({"GET", "a"}));
    CHECK(occurrences(with.logged(), "Redis is not available") == 1);
    CHECK(with.metric("shoal_redis_connected") == 1);
}

TEST_CASE("client: a port where nobody listens is tried again as well", "[redis]")
{
    boost::asio::io_context loop{1};
    // Bound but not listening: nobody else can take the port.
    boost::asio::ip::tcp::acceptor listener{loop, boost::asio::ip::tcp::v4()};
    listener.bind({boost::asio::ip::address_v4::loopback(), 0});
    auto options = impatient({});
    options.where.address = "127.0.0.1";
    options.where.port = listener.local_endpoint().port();
    client_fixture with{loop, options};
    with.client.start();
    REQUIRE(with.until([&] { return occurrences(with.logged(), "Connection refused") == 1; }));

    listener.listen();
    bool reached = false;
    listener.async_accept([&](const boost::system::error_code& failed, const auto&) { reached = !failed; });
    CHECK(with.until([&] { return reached; }));
}

TEST_CASE_METHOD(connections_fixture, "client: commands in flight on a connection that ends are unknown", "[redis]")
{
    const std::string partial = GENERATE("", "$5\r\nab", "*2\r\n:1\r\n", "*3\r\n$1\r\na\r\n*2\r\n", "-ERR hal");
    CAPTURE(partial);
    answer_and_close(partial);
    with.connect();
    for (const auto& call : three_calls()) CHECK(call->ended_with(errc::redis_outcome_unknown));

    server.on_command(nullptr);
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(occurrences(with.logged(), "lost the connection to Redis") == 1);
    CHECK(with.run({"GET", "k"}));
    CHECK(with.metric("shoal_redis_reconnects_total") == 1);
}

TEST_CASE_METHOD(connections_fixture, "client: what was answered before the connection ended is not unknown", "[redis]")
{
    answer_and_close("+one\r\n$-1\r\n");
    with.connect();
    const auto calls = three_calls();
    CHECK(calls[0]->returned(std::string{"one"}));
    CHECK(calls[1]->returned(redis::nil{}));
    CHECK(calls[2]->ended_with(errc::redis_outcome_unknown));
}

TEST_CASE_METHOD(connections_fixture, "client: a reply that is not RESP ends the connection", "[redis]")
{
    const std::string garbage = GENERATE("HTTP/1.1 400 Bad Request\r\n", ":12x\r\n", "$-2\r\n", "$abc\r\n", "*-2\r\n",
                                         "*2147483648\r\n", "*2147483647\r\n", "\r\n", "%1\r\n",
                                         "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
    CAPTURE(garbage);
    server.on_command([&](const auto& from, const auto&) { from->send(garbage); });
    with.connect();
    for (const auto& call : three_calls()) CHECK(call->ended_with(errc::redis_outcome_unknown));
    server.on_command(nullptr);
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(server.connections() == 2);
    CHECK(with.run({"GET", "k"}));
}

TEST_CASE_METHOD(connections_fixture, "client: a reply that nobody asked for ends the connection, not the process",
                 "[redis]")
{
    const std::string extra = GENERATE("+OK\r\n", ":1\r\n", "$-1\r\n", "*1\r\n:1\r\n", "-ERR goodbye\r\n");
    CAPTURE(extra);
    server.on_command([&](const auto& from, const auto&) { from->send("+OK\r\n" + extra); });
    with.connect();
    const auto answered = with.run({"GET", "k"});
    REQUIRE(answered);
    REQUIRE(with.until([&] { return server.connections() == 2; }));
    CHECK(occurrences(with.logged(), "a reply that nobody asked for") == 1);
    server.on_command(nullptr);
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(with.run({"GET", "k"}));
}

TEST_CASE_METHOD(connections_fixture, "client: every lost connection is logged, not every attempt", "[redis]")
{
    with.connect();
    for (int lost = 1; lost <= 3; ++lost) {
        server.stop_listening();
        server.close_peers();
        REQUIRE(with.until(
            [&] { return occurrences(with.logged(), "Redis is not available") == static_cast<std::size_t>(lost); }));
        CHECK(occurrences(with.logged(), "lost the connection to Redis") == static_cast<std::size_t>(lost));
        server.listen();
        REQUIRE(with.until([&] { return with.client.available(); }));
    }
    CHECK(with.metric("shoal_redis_reconnects_total") == 3);
    CHECK(occurrences(with.logged(), "connected to Redis") == 4);
}

TEST_CASE("client: an address that would have to be resolved is refused at start-up", "[redis]")
{
    boost::asio::io_context loop{1};
    auto options = impatient({});
    options.where.address = "localhost";
    CHECK_THROWS_AS((client_fixture{loop, options}), std::invalid_argument);
    CHECK_THROWS_AS((client_fixture{loop, impatient(std::string(108, 'p'))}), std::invalid_argument);
}
