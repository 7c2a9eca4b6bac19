// What a request on a kept connection allocates.

#include <array>

#include <catch2/catch.hpp>

#include "tests/support/counted_allocations.hpp"
#include "tests/unit/http/world.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using namespace shoal;

/// Sends and receives without an allocation of its own.
class bare_client {
public:
    explicit bare_client(const std::string& path) : descriptor_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}
    {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        path.copy(where.sun_path, sizeof where.sun_path - 1);
        REQUIRE(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    }
    ~bare_client() { ::close(descriptor_); }
    bare_client(const bare_client&) = delete;
    bare_client& operator=(const bare_client&) = delete;

    /// Whether an answer 200 came.
    bool exchange(boost::asio::io_context& loop, std::string_view request)
    {
        if (::send(descriptor_, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size()))
            return false;
        for (int turns = 0; turns < 1000; ++turns) {
            const auto count = ::recv(descriptor_, received_.data(), received_.size(), MSG_DONTWAIT);
            if (count > 12) return std::string_view{received_.data(), 12} == "HTTP/1.1 200";
            loop.run_one_for(std::chrono::milliseconds{100});
        }
        return false;
    }

private:
    int descriptor_;
    std::array<char, 4096> received_;
};

/// Allocations for each of a thousand requests, after a few to warm up.
double per_request(test::world& in, std::string_view request)
{
    constexpr int count = 1000;
    bare_client client{in.path};
    for (int i = 0; i < 20; ++i) REQUIRE(client.exchange(in.loop, request));
    const auto before = test::allocations();
    bool good = true;
    for (int i = 0; i < count; ++i) good = client.exchange(in.loop, request) && good;
    const auto made = test::allocations() - before;
    REQUIRE(good);
    return static_cast<double>(made) / count;
}

}  // namespace

TEST_CASE("allocations: a request with a ready answer costs those of the answer's own strings", "[http]")
{
    auto routes = test::world::default_routes();
    // Headers and body as the limiter has them: one allocation each.
    routes.push_back({http::verb::post, "/v1/limits/{rule}/{key}", "take", [](http::request&) -> http::reply {
                          return http::response{200}
                              .add("RateLimit-Policy", R"("demo";q=10;w=60)")
                              .add("RateLimit", R"("demo";r=3;t=30)")
                              .body("application/json", std::string(70, 'x'));
                      }});
    test::world here{test::patient_limits(), std::move(routes)};
    const auto made =
        per_request(here,
                    "POST /v1/limits/demo/some-key?cost=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\n"
                    "X-Request-Id: 0123456789abcdef0123456789abcdef\r\nX-Forwarded-For: 127.0.0.1\r\n"
                    "Content-Length: 10\r\n\r\n{\"cost\":1}");
    CHECK(made <= 2.01);
}

TEST_CASE("allocations: a chunked request costs no more", "[http]")
{
    test::world here;
    const auto made = per_request(here,
                                  "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5\r\nhello\r\n0\r\n\r\n");
    // The body fits into the string itself.
    CHECK(made <= 1.01);
}

TEST_CASE("allocations: an answer that is awaited costs no more than its own", "[http]")
{
    auto routes = test::world::default_routes();
    routes.push_back({http::verb::get, "/at-once", "at-once", [](http::request&) -> http::reply {
                          return []() -> boost::asio::awaitable<http::response> {
                              co_return http::response{200}.body("text/plain", "short");
                          }();
                      }});
    test::world here{test::patient_limits(), std::move(routes)};
    CHECK(per_request(here, "GET /at-once HTTP/1.1\r\nHost: localhost\r\n\r\n") <= 4.01);
}

TEST_CASE("allocations: a prepared answer costs none", "[http]")
{
    const boost::intrusive_ptr<const owned_text> stored{new owned_text{std::string(700, 'x')}};
    const std::array<std::string_view, 2> body{std::string_view{stored->text()}.substr(0, 400),
                                               std::string_view{stored->text()}.substr(400)};
    test::world here{[&](http::request&, http::exchange&) -> http::streamed_reply {
        http::prepared made{.status = 200,
                            .owner = stored,
                            .head = "HTTP/1.1 200 OK\r\nContent-Length: 700\r\n",
                            .body = body,
                            .offset = 0,
                            .length = 700};
        made.lines.append("Age: 7\r\nCache-Status: cache-1; hit; ttl=53\r\n");
        return made;
    }};
    CHECK(per_request(here,
                      "GET /some/path?and=query HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\n"
                      "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n\r\n") <= 0.01);
    // Two requests, one after the other in one packet.
    CHECK(per_request(here, "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n") <= 0.01);
}

TEST_CASE("allocations: a streamed answer costs what it writes, and a few frames that are used again", "[http]")
{
    const auto piece = share(std::string(1000, 'x'));
    test::world here{[&](http::request&, http::exchange& over) -> http::streamed_reply {
        return [](http::exchange& to, shared_bytes bytes) -> boost::asio::awaitable<void> {
            if (!co_await to.begin({.length = 2 * bytes.view.size()})) co_return;
            if (!co_await to.write(bytes)) co_return;
            if (!co_await to.write(bytes)) co_return;
            (void)co_await to.end({});
        }(over, piece);
    }};
    CHECK(per_request(here, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n") <= 12.01);
}
