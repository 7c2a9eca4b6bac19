// What happens on a connection before commands may use it.

#include "tests/support/resp_server.hpp"
#include "tests/unit/redis/fixture.hpp"

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::test;
using namespace std::chrono_literals;
using redis::data_event;

namespace {

struct handshakes_fixture {
    boost::asio::io_context loop{1};
    resp_server server{loop};
    client_fixture with{loop, impatient(server.path())};
    std::vector<data_event> events;

    handshakes_fixture()
    {
        with.client.on_data_event([this](data_event event) {
            events.push_back(event);
            CHECK_FALSE(with.client.available());
        });
    }

    void reconnect()
    {
        const auto before = server.connections();
        server.close_peers();
        REQUIRE(with.until([&] { return server.connections() > before && with.client.available(); }));
    }

    /// Answers one command of the handshake in its own way, the others as usual.
    void answer_in_handshake(const std::string& name, const std::string& bytes)
    {
        server.on_handshake([=, this](const auto& from, const auto& asked) {
            if (asked[0] == name)
                from->send(bytes);
            else
                server.default_handshake(from, asked);
        });
    }

    void unavailable_because(const std::string& reason)
    {
        with.client.start();
        REQUIRE(with.until([&] { return occurrences(with.logged(), reason) > 0; }));
        CHECK_FALSE(with.client.available());
        // Later attempts fail alike and are not logged again.
        const auto attempts = server.connections();
        REQUIRE(with.until([&] { return server.connections() >= attempts + 3; }));
        CHECK(occurrences(with.logged(), reason) == 1);
        server.on_handshake(nullptr);
        REQUIRE(with.until([&] { return with.client.available(); }));
    }
};

}  // namespace

TEST_CASE_METHOD(handshakes_fixture, "handshake: the server and its data are identified before any command", "[redis]")
{
    with.connect();
    REQUIRE(server.commands().size() == 3);
    CHECK(server.commands()[0] == resp_server::command{"INFO", "server"});
    CHECK(server.commands()[1].size() == 4);
    CHECK(server.commands()[1][2].size() == 32);
    CHECK(server.commands()[1][3] == "NX");
    CHECK(server.commands()[2] == resp_server::command{"GET", "shoal:epoch"});
    CHECK(events.empty());
    CHECK(occurrences(with.logged(), server.run_id) == 1);
    CHECK(occurrences(with.logged(), server.epoch) == 1);
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: commands fail while it lasts", "[redis]")
{
    resp_server::peer_ptr waiting;
    server.on_handshake([&](const auto& from, const auto&) { waiting = from; });
    with.client.start();
    REQUIRE(with.until([&] { return waiting != nullptr; }));
    CHECK(with.run({"GET", "a"}).error() == errc::redis_unavailable);
    server.on_handshake(nullptr);
    server.default_handshake(waiting, {"INFO", "server"});
    REQUIRE(with.until([&] { return with.client.available(); }));
    CHECK(server.connections() == 1);
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: user and password are given first and never logged", "[redis]")
{
    auto options = impatient(server.path());
    options.where.username = "shoal";
    options.where.password = "s3cr3t";
    client_fixture authenticated{loop, options};

    SECTION("accepted")
    {
        authenticated.connect();
        CHECK(server.commands()[0] == resp_server::command{"AUTH", "shoal", "s3cr3t"});
    }
    SECTION("refused, with the password in the error as Redis does for an unknown command")
    {
        answer_in_handshake("AUTH", "-ERR unknown command 'AUTH', with args beginning with: 's3cr3t'\r\n");
        authenticated.client.start();
        REQUIRE(authenticated.until([&] { return occurrences(authenticated.logged(), "AUTH was refused") == 1; }));
    }
    CHECK(occurrences(authenticated.logged(), "s3cr3t") == 0);
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: a password without a user is the default user's", "[redis]")
{
    auto options = impatient(server.path());
    options.where.password = "s3cr3t";
    client_fixture authenticated{loop, options};
    authenticated.connect();
    CHECK(server.commands()[0] == resp_server::command{"AUTH", "s3cr3t"});
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: a server that is loading its data is not available yet", "[redis]")
{
    answer_in_handshake("SET", "-LOADING Redis is loading the dataset in memory\r\n");
    unavailable_because("loading its data");
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: a read-only replica is refused with a clear reason", "[redis]")
{
    answer_in_handshake("SET", "-READONLY You can't write against a read only replica.\r\n");
    unavailable_because("read-only replica");
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: a refused INFO or one without a run id is not enough", "[redis]")
{
    SECTION("refused")
    {
        answer_in_handshake("INFO", "-NOAUTH Authentication required.\r\n");
        unavailable_because("NOAUTH");
    }
    SECTION("without")
    {
        answer_in_handshake("INFO", resp_bulk("# Server\r\nredis_version:7\r\n"));
        unavailable_because("run_id");
    }
    SECTION("wrong type")
    {
        answer_in_handshake("INFO", ":1\r\n");
        unavailable_because("run_id");
    }
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: a server that can't write but has an epoch is available", "[redis]")
{
    answer_in_handshake("SET", "-MISCONF Redis is configured to save RDB snapshots\r\n");
    with.connect();
    CHECK(with.run({"GET", "a"}));
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: without an epoch the server is not available", "[redis]")
{
    SECTION("nil")
    {
        answer_in_handshake("GET", "$-1\r\n");
    }
    SECTION("wrong type")
    {
        answer_in_handshake("GET", "-WRONGTYPE Operation against a key\r\n");
    }
    unavailable_because("epoch key");
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: one that takes too long is given up and tried again", "[redis]")
{
    server.on_handshake([](const auto&, const auto&) {});
    with.client.start();
    const auto begun = boot_clock::now();
    REQUIRE(with.until([&] { return server.connections() == 2; }));
    CHECK(boot_clock::now() - begun >= 200ms);
    CHECK(server.peers()[0]->closed());
    server.on_handshake(nullptr);
    REQUIRE(with.until([&] { return with.client.available(); }));
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: slow answers share one time-out", "[redis]")
{
    // Each answer alone is in time; all three together are not.
    std::vector<boost::asio::steady_timer> timers;
    timers.reserve(1000);
    server.on_handshake([&](const auto& from, const auto& asked) {
        auto& timer = timers.emplace_back(loop, 90ms);
        timer.async_wait([&, from, asked](const auto&) { server.default_handshake(from, asked); });
    });
    with.client.start();
    REQUIRE(with.until([&] { return server.connections() == 2; }));
    CHECK_FALSE(with.client.available());
    server.on_handshake(nullptr);
    REQUIRE(with.until([&] { return with.client.available(); }));
}

TEST_CASE_METHOD(handshakes_fixture, "handshake: a connection that ends in it is tried again", "[redis]")
{
    const std::string name = GENERATE("INFO", "SET", "GET");
    server.on_handshake([&](const auto& from, const auto& asked) {
        if (asked[0] == name)
            from->close();
        else
            server.default_handshake(from, asked);
    });
    with.client.start();
    REQUIRE(with.until([&] { return server.connections() >= 3; }));
    server.on_handshake(nullptr);
    REQUIRE(with.until([&] { return with.client.available(); }));
}

TEST_CASE_METHOD(handshakes_fixture, "data event: none for the same server and data", "[redis]")
{
    with.connect();
    reconnect();
    reconnect();
    CHECK(events.empty());
}

TEST_CASE_METHOD(handshakes_fixture, "data event: another run with the same epoch restarted", "[redis]")
{
    with.connect();
    server.run_id = std::string(40, 'b');
    reconnect();
    CHECK(events == std::vector{data_event::restarted});
    reconnect();
    CHECK(events.size() == 1);
}

TEST_CASE_METHOD(handshakes_fixture, "data event: another epoch lost its data, restarted or not", "[redis]")
{
    with.connect();
    server.epoch = std::string(32, 'f');
    if (GENERATE(true, false)) server.run_id = std::string(40, 'b');
    reconnect();
    CHECK(events == std::vector{data_event::lost});
}

TEST_CASE_METHOD(handshakes_fixture, "data event: listeners are told before any command is sent", "[redis]")
{
    with.connect();
    std::vector<std::string> order;
    with.client.on_data_event([&](data_event) { order.emplace_back("event"); });
    server.on_command([&](const auto& from, const auto& asked) {
        order.push_back(asked[0]);
        from->send("+OK\r\n");
    });
    server.epoch = std::string(32, 'f');
    server.close_peers();
    // Asks without a pause: the first command that passes comes after the event.
    while (true) {
        if (with.run({"PING"})) {
            if (!events.empty()) break;
        }
    }
    const auto event = std::find(order.begin(), order.end(), "event");
    REQUIRE(event != order.end());
    CHECK(std::find(event, order.end(), "PING") != order.end());
}

TEST_CASE_METHOD(handshakes_fixture, "data event: a listener may stop the client", "[redis]")
{
    with.connect();
    with.client.on_data_event([&](data_event) { with.client.stop(); });
    server.epoch = std::string(32, 'f');
    server.close_peers();
    REQUIRE(with.until([&] { return with.tasks.running() == 0; }));
    CHECK(events.size() == 1);
    CHECK_FALSE(with.client.available());
}
