// A connection's life over a real socket: what is answered, and in which order.

#include <regex>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "tests/unit/http/refusals.hpp"
#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using test::world;

const std::string get_root{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"};

std::string post(const std::string& path, const std::string& body, const std::string& lines = "")
{
    return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + lines + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

/// A handler that waits until the test lets it go on.
struct gate {
    boost::asio::steady_timer opened;
    int entered = 0;
    int left = 0;

    explicit gate(boost::asio::io_context& loop) : opened{loop, boost::asio::steady_timer::time_point::max()} {}

    boost::asio::awaitable<http::response> pass(http::request& from)
    {
        ++entered;
        boost::system::error_code ignored;
        co_await opened.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        ++left;
        co_return http::response{200}.body("text/plain", std::string{from.target} + " " + std::string{from.body});
    }
};

/// A world whose POST /gate waits at the gate. The gate is made by the first request: the loop is the world's.
struct gated_world {
    std::optional<gate> at;
    world inner;

    explicit gated_world(http::limits bounds = test::patient_limits(), std::chrono::milliseconds slow = 0ms)
        : inner{bounds, routes(), slow}
    {
        at.emplace(inner.loop);
    }
    ~gated_world()
    {
        at->opened.cancel();
        CHECK(inner.wait_for([&] { return at->left == at->entered; }));
        at.reset();
    }

    std::vector<http::route> routes()
    {
        auto table = world::default_routes();
        table.push_back(
            {http::verb::post, "/gate", "gate", [this](http::request& from) -> http::reply { return at->pass(from); }});
        return table;
    }
};

}  // namespace

TEST_CASE("session: every refusal is a problem document on a connection that then ends", "[http]")
{
    world here{test::tight_limits()};
    for (const auto& one : test::refused_cases()) {
        CAPTURE(one.name);
        auto client = here.connect();
        // The second request must not be answered: nobody knows where it starts.
        client.send(one.bytes);
        if (one.name.find("without end") == std::string::npos) client.send(get_root);
        const auto answers = client.read_to_end();
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == one.status);
        CHECK(answers[0].header("content-type") == "application/problem+json");
        CHECK(answers[0].header("connection") == "close");
        CHECK(answers[0].header("x-shoal-worker") == "test-1");
        CHECK(answers[0].body.find("\"detail\":\"") != std::string::npos);
        CHECK(answers[0].body.find("\"status\":" + std::to_string(one.status)) != std::string::npos);
    }
    CHECK(here.metric(R"(shoal_http_rejected_total{server="public",reason="malformed"})") > 80);
    CHECK(here.log_text().find(R"("level":"info")") == std::string::npos);
}

TEST_CASE("session: a request that comes byte by byte is answered", "[http]")
{
    world here;
    auto client = here.connect();
    for (const char byte : post("/echo", "hello")) {
        client.send({&byte, 1});
        here.loop.poll();
    }
    CHECK(client.read_one().body == "hello");
}

TEST_CASE("session: pipelined requests are answered in order, whatever their handlers wait for", "[http]")
{
    world here;
    for (int count = 1; count <= 50; ++count) {
        auto client = here.connect();
        std::string bytes;
        for (int i = 0; i < count; ++i) bytes += post(i % 3 == 1 ? "/late" : "/echo", std::to_string(i));
        client.send(bytes);
        const auto answers = client.read(static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) REQUIRE(answers[static_cast<std::size_t>(i)].body == std::to_string(i));
    }
}

TEST_CASE("session: an answer that is ready does not wait for the one behind it", "[http]")
{
    gated_world here;
    auto client = here.inner.connect();
    client.send(get_root + post("/gate", "x"));
    CHECK(client.read_one().body == "root");
    CHECK(here.at->left == 0);
    CHECK(here.inner.server->in_flight() == 1);
    here.at->opened.cancel();
    CHECK(client.read_one().body == "/gate x");
    CHECK(here.inner.server->in_flight() == 0);
}

TEST_CASE("session: a suspended handler's views hold while the client sends on", "[http]")
{
    gated_world here;
    auto client = here.inner.connect();
    client.send(post("/gate", "the body"));
    REQUIRE(here.inner.wait_for([&] { return here.at->entered == 1; }));
    client.send(post("/echo", std::string(60'000, 'z')));
    for (int i = 0; i < 20; ++i) here.inner.loop.poll();
    here.at->opened.cancel();
    const auto answers = client.read(2);
    CHECK(answers[0].body == "/gate the body");
    CHECK(answers[1].body == std::string(60'000, 'z'));
}

TEST_CASE("session: a client that leaves while its handler is suspended loses only its answer", "[http]")
{
    gated_world here;
    {
        auto leaver = here.inner.connect();
        leaver.send(post("/gate", "x"));
        REQUIRE(here.inner.wait_for([&] { return here.at->entered == 1; }));
    }
    here.at->opened.cancel();
    REQUIRE(here.inner.wait_for([&] { return here.inner.server->connections() == 0; }));
    CHECK(here.at->left == 1);
    CHECK(here.inner.server->in_flight() == 0);
    auto next = here.inner.connect();
    next.send(get_root);
    CHECK(next.read_one().body == "root");
}

TEST_CASE("session: a client that shuts its side down is still answered", "[http]")
{
    world here;
    auto client = here.connect();
    client.send(post("/late", "x") + get_root);
    client.shut_write();
    const auto answers = client.read_to_end();
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].body == "root");
}

TEST_CASE("session: a client that leaves midway through a request is no trouble", "[http]")
{
    world here;
    for (const std::string bytes :
         {"", "G", "GET / HTTP/1.1\r\nHo", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"}) {
        auto client = here.connect();
        client.send(bytes);
        here.loop.poll();
        client.close();
        REQUIRE(here.wait_for([&] { return here.server->connections() == 0; }));
    }
}

TEST_CASE("session: a connection stays open or closes as its version and Connection header say", "[http]")
{
    struct expectation {
        std::string request;
        std::string connection;
    };
    world here;
    for (const auto& [request, connection] : std::vector<expectation>{
             {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
             {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", ""},
             {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "close"},
             {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "close"},
             {"GET / HTTP/1.0\r\n\r\n", "close"},
             {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "keep-alive"},
         }) {
        CAPTURE(request);
        auto client = here.connect();
        client.send(request);
        const auto got = client.read_one();
        CHECK(got.body == "root");
        CHECK(got.header("connection") == connection);
        if (connection == "close") {
            CHECK(client.read_to_end().empty());
        } else {
            client.send(get_root);
            CHECK(client.read_one().body == "root");
        }
    }
}

TEST_CASE("session: HEAD has the head of GET and no body, 204 has no length", "[http]")
{
    world here;
    auto client = here.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = client.read_one(true);
    CHECK(head.status == 200);
    CHECK(head.header("content-length") == "4");
    client.send("DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n" + get_root);
    const auto answers = client.read(2);
    CHECK(answers[0].status == 204);
    CHECK(answers[0].headers.count("content-length") == 0);
    CHECK(answers[1].body == "root");
}

TEST_CASE("session: a route for any method answers HEAD without its body", "[http]")
{
    const auto answer = [](http::request& from) -> http::reply {
        return http::response{200}.body("text/plain", std::string{from.method_text});
    };
    std::vector<http::route> routes;
    routes.push_back({http::any_method, "/any", "any", answer});
    world here{http::limits{}, std::move(routes)};
    auto client = here.connect();
    client.send("HEAD /any HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = client.read_one(true);
    CHECK(head.status == 200);
    CHECK(head.header("content-length") == "4");
    CHECK(head.body.empty());
    for (const std::string method : {"POST", "OPTIONS", "BREW"}) {
        client.send(method + " /any HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client.read_one().body == method);
    }
}

TEST_CASE("session: what no route serves is 404, or 405 with Allow, and the connection goes on", "[http]")
{
    world here;
    auto client = here.connect();
    client.send(
        "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nPUT /echo HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: "
        "a\r\n\r\n" +
        get_root);
    const auto answers = client.read(4);
    CHECK(answers[0].status == 404);
    CHECK(answers[0].header("content-type") == "application/problem+json");
    CHECK(answers[1].status == 405);
    CHECK(answers[1].header("allow") == "DELETE, POST");
    CHECK(answers[2].status == 204);
    CHECK(answers[3].status == 200);
    CHECK(here.metric(R"(shoal_http_requests_total{server="public",route="none",code="404"})") == 1);
    CHECK(here.metric(R"(shoal_http_requests_total{server="public",route="root",code="200"})") == 1);
    CHECK(here.metric(R"(shoal_http_request_seconds_count{server="public",route="root"})") == 1);
}

TEST_CASE("session: every answer says who made it, when, for which request and in what time", "[http]")
{
    world here;
    auto client = here.connect();
    client.send(post("/late", "x") + get_root);
    const auto answers = client.read(2);
    for (const auto& one : answers) {
        CHECK(one.header("x-shoal-worker") == "test-1");
        CHECK(std::regex_match(one.header("date"), std::regex{R"(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)"}));
        CHECK(std::regex_match(one.header("x-request-id"), std::regex{"[0-9a-f]{12}-[0-9]+"}));
    }
    CHECK(answers[0].header("x-request-id") != answers[1].header("x-request-id"));
    CHECK(
        std::regex_match(answers[0].header("server-timing"), std::regex{R"(total;dur=\d+\.\d{3}, pause;dur=1\.000)"}));
    CHECK(std::regex_match(answers[1].header("server-timing"), std::regex{R"(total;dur=\d+\.\d{3})"}));
}

TEST_CASE("session: a request id is taken over when it can be shown, else made", "[http]")
{
    world here;
    auto client = here.connect();
    const auto id_for = [&](const std::string& sent) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nx-request-id: " + sent + "\r\n\r\n");
        return client.read_one().header("x-request-id");
    };
    CHECK(id_for("abc/1+2") == "abc/1+2");
    CHECK(id_for(std::string(128, 'i')) == std::string(128, 'i'));
    for (const std::string& bad : {std::string(129, 'i'), std::string{"a b"}, std::string{"\xc3\xa4"}, std::string{}})
        CHECK(std::regex_match(id_for(bad), std::regex{"[0-9a-f]{12}-[0-9]+"}));
}

TEST_CASE("session: a refusal carries the request id when its head could be read", "[http]")
{
    world here{test::tight_limits()};
    auto client = here.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nContent-Length: 99\r\n\r\n");
    CHECK(client.read_to_end().at(0).header("x-request-id") == "mine");
}

TEST_CASE("session: a handler that throws, at once or later, is answered 500 and logged", "[http]")
{
    world here;
    auto client = here.connect();
    client.send(
        "GET /throw HTTP/1.1\r\nHost: a\r\nX-Request-Id: one\r\n\r\nGET /throw-late HTTP/1.1\r\nHost: "
        "a\r\nX-Request-Id: two\r\n\r\n" +
        get_root);
    const auto answers = client.read(3);
    CHECK(answers[0].status == 500);
    CHECK(answers[1].status == 500);
    CHECK(answers[2].status == 200);
    CHECK(answers[0].body.find("thrown") == std::string::npos);
    const auto log = here.log_text();
    for (const char* text : {"thrown at once", "thrown late", "\"one\"", "\"two\""})
        CHECK(log.find(text) != std::string::npos);
}

TEST_CASE("session: a body is asked for when the client waits for it", "[http]")
{
    world here;
    auto client = here.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    CHECK(client.read_one().status == 100);
    client.send("hello");
    CHECK(client.read_one().body == "hello");
    // Who does not wait is not asked.
    client.send(post("/echo", "at once", "Expect: 100-continue\r\n"));
    const auto got = client.read_one();
    CHECK(got.status == 200);
    CHECK(got.body == "at once");
}

TEST_CASE("session: nothing is begun after its deadline", "[http]")
{
    gated_world here;
    auto client = here.inner.connect();
    client.send(post("/gate", "x") + post("/echo", "too late", "X-Request-Deadline-Ms: 1\r\n") +
                post("/echo", "in time", "X-Request-Deadline-Ms: 3600000\r\n"));
    REQUIRE(here.inner.wait_for([&] { return here.at->entered == 1; }));
    const auto passed = boot_clock::now() + 2ms;
    boost::asio::steady_timer timer{here.inner.loop, 3ms};
    timer.async_wait([](auto) {});
    REQUIRE(here.inner.wait_for([&] { return boot_clock::now() > passed; }));
    here.at->opened.cancel();
    const auto answers = client.read(3);
    CHECK(answers[1].status == 504);
    CHECK(answers[1].body.find("too late") == std::string::npos);
    CHECK(answers[2].body == "in time");
    CHECK(here.inner.metric(R"(shoal_http_request_seconds_count{server="public",route="echo"})") == 1);
}

TEST_CASE("session: a slow request is logged with where its time went, without query or body", "[http]")
{
    gated_world here{test::patient_limits(), 1ms};
    auto client = here.inner.connect();
    client.send(post("/late?secret=query", "secret body"));
    CHECK(client.read_one().status == 200);
    const auto log = here.inner.log_text();
    CHECK(log.find("slow request") != std::string::npos);
    CHECK(log.find("\"/late\"") != std::string::npos);
    CHECK(log.find("\"POST\"") != std::string::npos);
    CHECK(log.find("pause") != std::string::npos);
    CHECK(log.find("secret") == std::string::npos);
    here.inner.server->set_slow(0ms);
    client.send(post("/late", "x"));
    CHECK(client.read_one().status == 200);
    CHECK(here.inner.log_text() == log);
}

TEST_CASE("session: what was answered arrives although the client goes on sending", "[http]")
{
    world here;
    auto client = here.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + std::string(100'000, 'x'));
    const auto answers = client.read_to_end();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].body == "root");
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("session: a client that never stops sending after the end is cut", "[http]")
{
    world here;
    auto client = here.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(client.read_one().body == "root");
    bool taken = true;
    for (int i = 0; i < 100 && taken; ++i) taken = client.send(std::string(10'000, 'x'));
    CHECK_FALSE(taken);
    CHECK(here.wait_for([&] { return here.server->connections() == 0; }));
}
