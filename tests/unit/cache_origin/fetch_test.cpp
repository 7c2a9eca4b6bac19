// What a request and its answer look like on the wire, and what is handed on of them.

#include <catch2/catch.hpp>

#include "common/http/response_block.hpp"
#include "tests/unit/cache_origin/fixture.hpp"
#include "tests/unit/cache_origin/scripted_origin.hpp"

namespace {

using namespace shoal;
using test::scripted_origin;
using kind = scripted_origin::kind;

std::string sized(const std::string& body)
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::size_t capacity_of(const shared_bytes& piece)
{
    return dynamic_cast<const http::response_block&>(*piece.owner).capacity();
}

}  // namespace

TEST_CASE("origin: a small answer comes whole, over unix sockets and TCP", "[origin]")
{
    const auto of = GENERATE(kind::local, kind::tcp);
    boost::asio::io_context loop{1};
    scripted_origin server{loop, of};
    server.always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"a\"\r\nX-Empty:\r\n\r\nhello");
    test::origin_fixture client{loop, test::patient({server.address()})};

    const auto got = client.fetch(test::get("/path?q=1"));
    CHECK(!got->error);
    CHECK(got->status == 200);
    CHECK(got->length == 5);
    CHECK(got->body == "hello");
    CHECK(got->headers == std::vector<std::pair<std::string, std::string>>{
                              {"Content-Length", "5"}, {"ETag", "\"a\""}, {"X-Empty", ""}});
    REQUIRE(server.heads().size() == 1);
    CHECK(server.heads()[0] == "GET /path?q=1 HTTP/1.1\r\nHost: example.org\r\n\r\n");
}

TEST_CASE("origin: a connection is used again, and closed when the origin says so", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    server.always(sized("one"));
    test::origin_fixture client{loop, test::patient({server.address()})};

    for (int i = 0; i < 5; ++i) CHECK(client.fetch()->body == "one");
    CHECK(server.peers().size() == 1);
    CHECK(client.connections() == 1);

    server.always("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\n.");
    CHECK(client.fetch()->body == ".");
    CHECK(client.connections() == 0);
    server.always("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n.");
    CHECK(client.fetch()->body == ".");
    CHECK(client.connections() == 0);
    server.always("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n.");
    CHECK(client.fetch()->body == ".");
    CHECK(client.connections() == 1);
}

TEST_CASE("origin: a body of 1 KiB holds a block of 1 KiB", "[origin]")
{
    boost::asio::io_context loop{1};
    scripted_origin server{loop};
    const std::string body(1024, 'x');
    test::origin_fixture client{loop, test::patient({server.address()})};

    server.always(sized(body));
    auto got = client.fetch();
    REQUIRE(got->pieces.size() == 1);
    CHECK(capacity_of(got->pieces[0]) == 1024);

    server.always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + body + "\r\n0\r\n\r\n");
    got = client.fetch();
    REQUIRE(got->pieces.size() == 1);
    CHECK(got->body == body);
    CHECK(capacity_of(got->pieces[0]) == 1024);
}
