#include "services/cache/protocol/head.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "services/cache/protocol/hop_by_hop.hpp"
#include "tests/unit/cache_protocol/exchange.hpp"

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using namespace shoal::cache::protocol::test;

namespace {

std::string build(const field_list& fields, std::optional<std::uint64_t> length = std::nullopt)
{
    return build_head(200, fields, {.received = noon, .length = length});
}

const std::string dated = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n";

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("head: what an origin sent goes on as it came", "[cache_protocol]")
{
    const std::string_view today = date(0);
    CHECK(build({{"Date", today}, {"X-a", " b\t"}, {"set-cookie", "c"}, {"Set-Cookie", "d"}}, 7) ==
          dated + "X-a: b\r\nset-cookie: c\r\nSet-Cookie: d\r\nContent-Length: 7\r\n");
    CHECK(build_head(599, {}, {.received = noon}) == "HTTP/1.1 599 \r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n");
    CHECK(reason_phrase(404) == "Not Found");
    CHECK(reason_phrase(504) == "Gateway Timeout");
    CHECK(reason_phrase(299).empty());
}

TEST_CASE("head: a Date that is missing or no date is when it was received", "[cache_protocol]")
{
    CHECK(build({}) == dated);
    CHECK(build({{"Date", "foo"}}) == dated);
    CHECK(build({{"Date", date(0)}, {"Date", date(9)}}) == dated);
}

TEST_CASE("head: neither Age, nor the origin's length, nor what is about its connection", "[cache_protocol]")
{
    for (const auto* const name :
         {"Age", "Content-Length", "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info",
          "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}) {
        CAPTURE(name);
        CHECK(build({{name, "5"}}) == dated);
    }
    CHECK(build({{"Connection", "a, B"}, {"A", "1"}, {"b", "2"}, {"c", "3"}}) ==
          "HTTP/1.1 200 OK\r\nc: 3\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n");
}

TEST_CASE("head: Connection can't take off what others rely on", "[cache_protocol]")
{
    const field_list fields{{"Connection", "close, cache-control, vary, Set-Cookie, content-type, x"}};
    const hop_by_hop connection{fields};
    for (const auto* const name : {"Cache-Control", "Vary", "Set-Cookie", "Content-Type", "Authorization"}) {
        CAPTURE(name);
        CHECK_FALSE(connection.covers(name));
    }
    CHECK(connection.covers("X"));
    CHECK(connection.covers("connection"));
    CHECK_FALSE(connection.covers("close"));
}

TEST_CASE("head: nothing that ends a line early gets in", "[cache_protocol]")
{
    for (const std::string_view value : std::vector<std::string_view>{"a\r\nX: y", "a\nX: y", "a\rb", {"a\0b", 3}}) {
        CHECK(build({{"X-A", value}}) == dated);
    }
    for (const auto* const name : {"", "X A", "X:A", "X\r\nA"}) CHECK(build({{name, "v"}}) == dated);
    CHECK(contains(build({{"X-A", "a\tb\xc3\xbc"}}), "X-A: a\tb\xc3\xbc\r\n"));
}

TEST_CASE("head: what is withheld or hidden", "[cache_protocol]")
{
    const std::vector<std::string> withheld{"set-cookie"};
    const std::vector<std::string> hidden{"surrogate-key"};
    const field_list fields{{"Set-Cookie", "a"}, {"Surrogate-Key", "b"}, {"ETag", "\"c\""}};
    CHECK(header_lines(fields, {.received = noon, .withheld = withheld, .hidden = hidden}) ==
          "ETag: \"c\"\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n");
}

TEST_CASE("head: a 304 replaces what it brings, and nothing of the body (RFC 9111, 3.2)", "[cache_protocol]")
{
    const std::string stored = build({{"Date", date(0)},
                                      {"Test-Header", "old"},
                                      {"Keep", "k"},
                                      {"ETag", "\"a\""},
                                      {"Set-Cookie", "s=1"},
                                      {"Cache-Control", "max-age=1"},
                                      {"Cache-Control", "public"},
                                      {"Content-Encoding", "gzip"}},
                                     36);
    const field_list newer{{"Date", date(5)},
                           {"Cache-Control", "max-age=3600, no-cache=\"secret\""},
                           {"test-header", "new"},
                           {"Test-Header", "newer"},
                           {"Content-Length", "10"},
                           {"Content-Encoding", "br"},
                           {"Content-Range", "bytes 0-1/2"},
                           {"ETag", "\"b\""},
                           {"Set-Cookie", "s=2"},
                           {"Secret", "x"},
                           {"Age", "3"},
                           {"Transfer-Encoding", "chunked"},
                           {"Connection", "hop"},
                           {"Hop", "x"}};
    const std::vector<std::string> withheld{"secret"};
    CHECK(update_head(stored, newer, {.received = noon, .withheld = withheld}) ==
          "HTTP/1.1 200 OK\r\nKeep: k\r\nETag: \"a\"\r\nSet-Cookie: s=1\r\nContent-Encoding: gzip\r\nContent-Length: "
          "36\r\n"
          "Date: Sun, 22 Nov 2026 12:00:05 GMT\r\nCache-Control: max-age=3600, no-cache=\"secret\"\r\ntest-header: "
          "new\r\n"
          "Test-Header: newer\r\n");
}

TEST_CASE("head: what a 304 withholds goes from what was stored before, too", "[cache_protocol]")
{
    const std::string stored = build({{"Date", date(0)}, {"Secret", "old"}, {"Keep", "k"}, {"secret", "older"}});
    const std::vector<std::string> withheld{"secret", "absent"};
    const field_list newer{{"Keep", "l"}, {"Date", date(1)}};
    CHECK(update_head(stored, newer, {.received = noon, .withheld = withheld}) ==
          "HTTP/1.1 200 OK\r\nKeep: l\r\nDate: Sun, 22 Nov 2026 12:00:01 GMT\r\n");
}

TEST_CASE("head: a 304 that says nothing leaves all but the Date", "[cache_protocol]")
{
    const std::string stored = build({{"Date", date(-50)}, {"A", "1"}, {"B", "2"}}, 3);
    CHECK(update_head(stored, {}, {.received = noon}) ==
          "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 3\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n");
}

TEST_CASE("head: what a 304 to a client has (RFC 9110, 15.4.5)", "[cache_protocol]")
{
    const std::string stored = build({{"Date", date(0)},
                                      {"ETag", "\"a\""},
                                      {"Vary", "Foo"},
                                      {"Cache-Control", "max-age=5"},
                                      {"Expires", "x"},
                                      {"Content-Location", "/y"},
                                      {"Content-Type", "text/plain"},
                                      {"Set-Cookie", "z"}},
                                     9);
    CHECK(not_modified_head(stored) ==
          "HTTP/1.1 304 Not Modified\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nETag: \"a\"\r\nVary: Foo\r\n"
          "Cache-Control: max-age=5\r\nExpires: x\r\nContent-Location: /y\r\n");
}

TEST_CASE("head: a part, several parts, and none", "[cache_protocol]")
{
    const std::string stored = build({{"Date", date(0)}, {"Content-Type", "text/plain"}, {"A", "1"}}, 10);
    const std::string start = "HTTP/1.1 206 Partial Content\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n";
    CHECK(partial_head(stored, "bytes 0-1/10", "", 2) ==
          start + "Content-Type: text/plain\r\nA: 1\r\nContent-Range: bytes 0-1/10\r\nContent-Length: 2\r\n");
    CHECK(partial_head(stored, "", "multipart/byteranges; boundary=b", 200) ==
          start + "A: 1\r\nContent-Type: multipart/byteranges; boundary=b\r\nContent-Length: 200\r\n");
    CHECK(unsatisfiable_head(10, noon) ==
          "HTTP/1.1 416 Range Not Satisfiable\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Range: bytes */10\r\n"
          "Content-Length: 0\r\n");
}
