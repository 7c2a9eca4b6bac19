// Commands, scripts and their replies, on a connection that works.

#include "common/redis/connection.hpp"
#include "tests/support/resp_server.hpp"
#include "tests/unit/redis/fixture.hpp"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <stdexcept>

using namespace shoal;
using namespace shoal::test;
using namespace std::chrono_literals;
using redis::value;

namespace {

struct commands_fixture {
    boost::asio::io_context loop{1};
    resp_server server{loop};
    client_fixture with{loop, impatient(server.path())};

    commands_fixture() { with.connect(); }

    void answer_all(std::string bytes)
    {
        server.on_command([bytes = std::move(bytes)](const auto& from, const auto&) { from->send(bytes); });
    }
};

/// Later than the loop has looked at its sockets again.
void after_turns(boost::asio::io_context& loop, int turns, std::function<void()> then)
{
    if (turns == 0) return then();
    boost::asio::post(loop, [&loop, turns, then = std::move(then)] { after_turns(loop, turns - 1, then); });
}

}  // namespace

TEST_CASE("format_command: arguments go out with their lengths, whatever bytes they hold", "[redis]")
{
    std::string text = "old";
    const std::string_view binary{"a\0\r\n$", 5};
    redis::format_command(text, std::array<std::string_view, 3>{"SET", "", binary});
    CHECK(text == "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\n" + std::string{binary} + "\r\n");
}

TEST_CASE_METHOD(commands_fixture, "client: every type of reply becomes a value", "[redis]")
{
    const std::string binary{"a\0b\r\n", 5};
    std::vector<std::pair<std::string, value>> cases{
        {"+PONG\r\n", std::string{"PONG"}},
        {":-42\r\n", std::int64_t{-42}},
        {":9223372036854775807\r\n", std::int64_t{9223372036854775807}},
        {"$-1\r\n", redis::nil{}},
        {"$0\r\n\r\n", std::string{}},
        {resp_bulk(binary), binary},
        {"*-1\r\n", redis::nil{}},
        {"*0\r\n", std::vector<value>{}},
        {resp_array(
             {":1\r\n", "$-1\r\n", resp_array({"+in\r\n", "*0\r\n", "*-1\r\n", resp_bulk(binary)}), "-ERR inner\r\n"}),
         std::vector<value>{std::int64_t{1}, redis::nil{},
                            std::vector<value>{std::string{"in"}, std::vector<value>{}, redis::nil{}, binary},
                            redis::error_text{"ERR inner"}}},
    };
    for (const auto& [bytes, expected] : cases) {
        CAPTURE(bytes);
        answer_all(bytes);
        const auto reply = with.run({"ANY"});
        REQUIRE(reply);
        CHECK(*reply == expected);
    }
    CHECK(with.metric("shoal_redis_commands_total") == static_cast<double>(cases.size() + 3));
}

TEST_CASE_METHOD(commands_fixture, "client: a reply may come in any number of pieces", "[redis]")
{
    const std::string whole = "*2\r\n" + resp_bulk("first") + "*1\r\n:7\r\n";
    const auto cut = GENERATE_COPY(range(std::size_t{1}, whole.size()));
    CAPTURE(cut);
    server.on_command([&](const auto& from, const auto&) {
        from->send(whole.substr(0, cut));
        after_turns(loop, 8, [&, from] { from->send(whole.substr(cut)); });
    });
    const auto reply = with.run({"ANY"});
    REQUIRE(reply);
    CHECK(*reply == value{std::vector<value>{std::string{"first"}, std::vector<value>{std::int64_t{7}}}});
}

TEST_CASE_METHOD(commands_fixture, "client: all commands of one turn go out in one write", "[redis]")
{
    server.on_command([](const auto& from, const auto& asked) { from->send(resp_bulk(asked[1])); });
    const auto writes = with.metric("shoal_redis_writes_total");
    const auto reads = server.commands_per_read().size();

    std::vector<call_ptr> calls;
    for (int i = 0; i < 100; ++i) calls.push_back(with.begin({"GET", std::to_string(i)}));
    REQUIRE(with.until([&] { return calls.back()->outcome.has_value(); }));

    for (int i = 0; i < 100; ++i) CHECK(calls[static_cast<std::size_t>(i)]->returned(std::to_string(i)));
    CHECK(with.metric("shoal_redis_writes_total") == writes + 1);
    CHECK(server.commands_per_read().size() == reads + 1);
    CHECK(server.commands_per_read().back() == 100);
}

TEST_CASE_METHOD(commands_fixture, "client: what answers set off goes out in one write again", "[redis]")
{
    const auto chain = [](redis::client& client, int& ended) -> boost::asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            const std::array<std::string_view, 1> ping{"PING"};
            if (co_await client.command(ping)) ++ended;
        }
    };
    const auto writes = with.metric("shoal_redis_writes_total");
    int ended = 0;
    for (int i = 0; i < 50; ++i) with.tasks.spawn("chain", chain(with.client, ended));
    REQUIRE(with.until([&] { return ended == 150; }));
    CHECK(with.metric("shoal_redis_writes_total") == writes + 3);
}

TEST_CASE_METHOD(commands_fixture, "client: commands beyond what the socket takes are written when it does", "[redis]")
{
    const std::string large(1024 * 1024, 'x');
    std::size_t received = 0;
    server.on_command([&](const auto& from, const auto& asked) {
        received += asked[1].size();
        from->send(resp_bulk(asked[1]));
    });
    const auto one = with.begin({"ECHO", large}, boot_clock::now() + 10s);
    const auto two = with.begin({"ECHO", large}, boot_clock::now() + 10s);
    REQUIRE(with.until([&] { return received == 2 * large.size(); }));
    REQUIRE(with.until([&] { return one->outcome && two->outcome; }));
}

TEST_CASE_METHOD(commands_fixture, "client: an error reply is an error, its text is logged once a second", "[redis]")
{
    answer_all("-WRONGTYPE no such luck\r\n");
    std::vector<call_ptr> calls;
    for (int i = 0; i < 10; ++i) calls.push_back(with.begin({"LPUSH", "k", "v"}));
    REQUIRE(with.until([&] { return calls.back()->outcome.has_value(); }));
    for (const auto& call : calls) CHECK(call->ended_with(errc::redis_error_reply));
    CHECK(occurrences(with.logged(), "WRONGTYPE no such luck") == 1);
    CHECK(with.metric("shoal_redis_errors_total{kind=\"error_reply\"}") == 10);
    CHECK(with.client.available());
}

TEST_CASE_METHOD(commands_fixture, "client: errors of a server in trouble are error replies as well", "[redis]")
{
    const std::string error = GENERATE("MISCONF disk", "OOM memory", "READONLY replica", "LOADING data", "BUSY script");
    answer_all("-" + error + "\r\n");
    CHECK(with.run({"SET", "a", "b"}).error() == errc::redis_error_reply);
    CHECK(occurrences(with.logged(), error) == 1);
}

TEST_CASE_METHOD(commands_fixture, "eval: a script is called by its SHA-1 with its keys counted", "[redis]")
{
    const redis::script code{"demo", "return 1"};
    answer_all(":1\r\n");
    const auto reply = with.eval(code, {"k1", "k2"}, {"a"});
    REQUIRE(reply);
    CHECK(*reply == value{std::int64_t{1}});
    CHECK(server.commands().back() == resp_server::command{"EVALSHA", std::string{code.sha1()}, "2", "k1", "k2", "a"});
}

TEST_CASE_METHOD(commands_fixture, "eval: a script that the server does not have is sent whole, once", "[redis]")
{
    const redis::script code{"demo", "return 1"};
    server.on_command([](const auto& from, const auto& asked) {
        from->send(asked[0] == "EVALSHA" ? "-NOSCRIPT No matching script. Please use EVAL.\r\n" : ":1\r\n");
    });
    const auto before = server.commands().size();
    const auto reply = with.eval(code, {"k"});
    REQUIRE(reply);
    CHECK(server.commands().size() == before + 2);
    CHECK(server.commands().back() == resp_server::command{"EVAL", "return 1", "1", "k"});
    CHECK(with.metric("shoal_redis_errors_total{kind=\"error_reply\"}") == 0);

    answer_all("-NOSCRIPT never\r\n");
    CHECK(with.eval(code, {"k"}).error() == errc::redis_error_reply);
    CHECK(server.commands().size() == before + 4);
}

TEST_CASE_METHOD(commands_fixture, "eval: a script's own error is not taken for a missing script", "[redis]")
{
    const redis::script code{"demo", "error('x')"};
    answer_all("-ERR user_script:1: x\r\n");
    const auto before = server.commands().size();
    CHECK(with.eval(code, {"k"}).error() == errc::redis_error_reply);
    CHECK(server.commands().size() == before + 1);
}

TEST_CASE_METHOD(commands_fixture, "client: a subscription is refused, it needs a connection of its own", "[redis]")
{
    const std::string name = GENERATE("SUBSCRIBE", "psubscribe", "Unsubscribe", "PUNSUBSCRIBE", "MONITOR");
    const std::string argument = "channel";
    const std::array<std::string_view, 2> command{name, argument};
    CHECK_THROWS_AS(with.client.command(command), std::invalid_argument);
}
