#include "services/cache/warm/local_get.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <stop_token>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tests/support/answering_socket.hpp"
#include "tests/support/run_until.hpp"

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> keep(asio::awaitable<result<std::string>> task, std::optional<result<std::string>>& into)
{
    into.emplace(co_await std::move(task));
}

struct world {
    asio::io_context loop{1};
    test::answering_socket socket{loop};
    std::stop_source over;
    std::optional<result<std::string>> got;

    void begin(std::chrono::milliseconds patience = 20s)
    {
        local_get what{.socket = socket.path(), .target = "/-/x", .most_bytes = 100'000, .patience = patience};
        asio::co_spawn(loop, keep(get(loop, std::move(what), over.get_token()), got), asio::detached);
    }
    result<std::string> ask(std::chrono::milliseconds patience = 20s)
    {
        begin(patience);
        REQUIRE(test::run_until(loop, [this] { return got.has_value(); }));
        return *got;
    }
    result<std::string> ask_for(std::string answer)
    {
        socket.answer(std::move(answer));
        return ask();
    }
};

}  // namespace

TEST_CASE("local get: the body of an answer, however it is framed", "[cache][warm]")
{
    CHECK(world{}.ask_for("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab").value() == "ab");
    CHECK(world{}.ask_for("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").value().empty());
    CHECK(
        world{}.ask_for("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n").value() ==
        "ab");
    CHECK(world{}.ask_for("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab").value() ==
          "ab");
    const std::string large(100'000, 'x');
    world at;
    at.socket.answer_body(large);
    CHECK(at.ask().value() == large);
    CHECK(at.socket.asked() == "GET /-/x HTTP/1.1\r\nHost: shoal\r\nConnection: close\r\n\r\n");
}

TEST_CASE("local get: anything else is refused", "[cache][warm]")
{
    CHECK(world{}.ask_for("HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\na").error() == errc::malformed_body);
    CHECK(world{}.ask_for("what?\r\n\r\n").error() == errc::malformed_body);
    CHECK(world{}.ask_for("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").error() ==
          errc::malformed_body);
    CHECK(world{}.ask_for("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").error() == errc::connection_lost);
    CHECK(world{}.ask_for("HTTP/1.1 200").error() == errc::connection_lost);
    CHECK(world{}.ask_for("").error() == errc::connection_lost);
    world at;
    at.socket.answer_body(std::string(100'001, 'x'));
    CHECK(at.ask().error() == errc::too_large);
}

TEST_CASE("local get: nobody there is known at once", "[cache][warm]")
{
    world at;
    at.socket.stop_listening();
    CHECK(at.ask().error().category() == boost::system::system_category());
}

TEST_CASE("local get: who says nothing is not waited for", "[cache][warm]")
{
    world at;
    at.socket.be_silent();
    CHECK(at.ask(20ms).error() == errc::deadline_exceeded);
}

TEST_CASE("local get: ends when nobody wants the answer any more", "[cache][warm]")
{
    world at;
    at.socket.be_silent();
    at.begin();
    REQUIRE(test::run_until(at.loop, [&at] { return !at.socket.asked().empty(); }));
    at.over.request_stop();
    REQUIRE(test::run_until(at.loop, [&at] { return at.got.has_value(); }));
    CHECK(at.got->error() == errc::connection_lost);
}
