#include "tests/load/edge/response_reader.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace shoal::load;
using state = response_reader::state;

namespace {

const interest everything{"X-Shoal-Worker", "X-Version", true};

/// What is known of an answer after its bytes came in pieces of that size.
struct seen {
    state last = state::more;
    unsigned status = 0;
    std::string owner{};
    std::string version{};
    std::string body{};
    bool reusable = false;
};

seen read(std::string_view bytes, std::size_t piece, bool to_head = false, const interest& wanted = everything)
{
    response_reader reader{wanted};
    reader.begin(to_head);
    state last = state::more;
    while (!bytes.empty() && last == state::more) {
        last = reader.received(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    if (last == state::malformed) return {.last = last};
    return {last,
            reader.status(),
            std::string{reader.owner()},
            std::string{reader.version_field()},
            std::string{reader.body()},
            reader.reusable()};
}

}  // namespace

TEST_CASE("response reader: an answer is the same however its bytes are cut", "[load]")
{
    const std::string length =
        "HTTP/1.1 200 OK\r\nx-shoal-worker: w-1\r\nX-Version: 7\r\nContent-Length: 5\r\n\r\nhello";
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Shoal-Worker: w-1\r\nX-Version: 7\r\n\r\n"
        "3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    for (const auto& answer : {length, chunked, hints + length, hints + chunked}) {
        for (std::size_t piece = 1; piece <= answer.size(); ++piece) {
            const auto found = read(answer, piece);
            INFO("in pieces of " << piece << ": " << answer);
            REQUIRE(found.last == state::done);
            REQUIRE(found.status == 200);
            REQUIRE(found.owner == "w-1");
            REQUIRE(found.version == "7");
            REQUIRE(found.body == "hello");
            REQUIRE(found.reusable);
        }
    }
}

TEST_CASE("response reader: answers without a body end with their head", "[load]")
{
    CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1000, true).last == state::done);
    CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1000).last == state::more);
    CHECK(read("HTTP/1.1 204 No Content\r\n\r\n", 1000).last == state::done);
    CHECK(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 1000).reusable);
}

TEST_CASE("response reader: a connection serves again only where the answer lets it", "[load]")
{
    CHECK_FALSE(read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 1000).reusable);
    CHECK_FALSE(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 1000).reusable);
    CHECK_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", 1000).reusable);
}

TEST_CASE("response reader: an answer without a length ends with its connection, another does not", "[load]")
{
    response_reader reader{everything};
    reader.begin(false);
    CHECK(reader.ended() == state::more);
    REQUIRE(reader.received("HTTP/1.1 200 OK\r\n\r\nhel") == state::more);
    REQUIRE(reader.received("lo") == state::more);
    CHECK(reader.ended() == state::done);
    CHECK(reader.body() == "hello");
    CHECK_FALSE(reader.reusable());

    for (const auto* const cut : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "HTTP/1.1 200",
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
        reader.begin(false);
        REQUIRE(reader.received(cut) == state::more);
        CHECK(reader.ended() == state::more);
    }
}

TEST_CASE("response reader: what is no HTTP is malformed", "[load]")
{
    for (const auto* const wrong : {"hello\r\n\r\n", "HTTP/1.1 2oo OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                                    "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"})
        CHECK(read(wrong, 1000).last == state::malformed);
    CHECK(read("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'a') + "\r\n\r\n", 4096).last == state::malformed);
}

TEST_CASE("response reader: a body that nobody looks at is not kept, one that is too long not to its end", "[load]")
{
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n";
    const interest none{"X-Shoal-Worker", "", false};
    const auto unseen = read(head + std::string(3'000'000, 'a'), 65'536, false, none);
    CHECK(unseen.last == state::done);
    CHECK(unseen.body.empty());
    const auto kept = read(head + std::string(3'000'000, 'a'), 65'536);
    CHECK(kept.last == state::done);
    CHECK(kept.body.size() == 1'000'000);
    CHECK(kept.reusable);
}
