// An origin's answers, well-formed and hostile, cut in every way.

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "common/http/response_reader.hpp"

namespace {

using namespace shoal;
using http::response_reader;
using state = response_reader::state;

struct seen {
    state end = state::head;
    unsigned status = 0;
    std::vector<unsigned> interims;
    std::string body;
    std::vector<shared_bytes> pieces;
    std::string trailers;
    std::string refused;
    bool reusable = false;
    std::vector<std::pair<std::string, std::string>> headers;
};

void take_all(response_reader& reader, seen& into)
{
    while (reader.current() == state::interim) {
        into.interims.push_back(reader.head().status);
        reader.next();
    }
    if (reader.current() != state::body) return;
    into.status = reader.head().status;
    for (auto piece = reader.take(); !piece.view.empty(); piece = reader.take()) {
        into.body += piece.view;
        into.pieces.push_back(std::move(piece));
    }
}

/// Receives `bytes` at most `step` at a time, and then the connection's end if that is to come.
seen read(response_reader& reader, std::string_view bytes, std::size_t step, bool to_head = false, bool ends = false)
{
    seen got;
    reader.begin(to_head);
    // Up to what is refused or complete, with what the last receive brought beyond it.
    while (!bytes.empty() && reader.current() <= state::body) {
        const auto room = reader.prepare();
        REQUIRE_FALSE(room.empty());
        const auto count = std::min({step, room.size(), bytes.size()});
        std::memcpy(room.data(), bytes.data(), count);
        bytes.remove_prefix(count);
        reader.commit(count);
        take_all(reader, got);
    }
    if (ends && reader.current() <= state::body) reader.end();
    take_all(reader, got);
    got.end = reader.current();
    got.refused = reader.refused();
    got.trailers = reader.trailers();
    got.reusable = reader.reusable() && bytes.empty();
    for (const auto& one : reader.head().headers) got.headers.emplace_back(one.name_text, one.value);
    return got;
}

seen read(std::string_view bytes, std::size_t step = std::string_view::npos, bool to_head = false, bool ends = false)
{
    response_reader reader{{}};
    return read(reader, bytes, step, to_head, ends);
}

constexpr std::size_t steps[] = {1, 2, 3, 7, 64, std::string_view::npos};

std::size_t held(const seen& by)
{
    std::vector<const counted*> blocks;
    std::size_t total = 0;
    for (const auto& piece : by.pieces) {
        if (std::ranges::find(blocks, piece.owner.get()) != blocks.end()) continue;
        blocks.push_back(piece.owner.get());
        total += dynamic_cast<const http::response_block&>(*piece.owner).capacity();
    }
    return total;
}

std::string chunked(const std::string& body, std::size_t size)
{
    std::string coded;
    char digits[32];
    for (std::size_t at = 0; at < body.size(); at += size) {
        const auto count = std::min(size, body.size() - at);
        std::snprintf(digits, sizeof digits, "%zx\r\n", count);
        coded += digits + body.substr(at, count) + "\r\n";
    }
    return coded + "0\r\n\r\n";
}

std::string letters(std::size_t count)
{
    std::string text(count, ' ');
    for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    return text;
}

}  // namespace

TEST_CASE("response reader: what is read does not depend on how the bytes were cut", "[http]")
{
    const auto step = GENERATE(from_range(std::begin(steps), std::end(steps)));
    CAPTURE(step);
    const std::string body = letters(300);

    SECTION("a length")
    {
        const auto got = read("HTTP/1.1 203 Fine\r\nA: b\r\nX:\t c d \t\r\nContent-Length: 300\r\n\r\n" + body, step);
        CHECK(got.end == state::done);
        CHECK(got.status == 203);
        CHECK(got.body == body);
        CHECK(got.reusable);
        CHECK(got.headers ==
              std::vector<std::pair<std::string, std::string>>{{"A", "b"}, {"X", "c d"}, {"Content-Length", "300"}});
        CHECK(held(got) == 300);
    }
    SECTION("chunks, extensions and trailers")
    {
        const auto got = read(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
            "5;a=b\r\nhello\r\n006\r\n world\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n",
            step);
        CHECK(got.end == state::done);
        CHECK(got.body == "hello world");
        CHECK(got.trailers == "X-Sum: 1\r\n");
        CHECK(got.reusable);
        CHECK(held(got) == 11);
    }
    SECTION("the connection's end")
    {
        const auto got = read("HTTP/1.1 200 OK\r\n\r\n" + body, step, false, true);
        CHECK(got.end == state::done);
        CHECK(got.body == body);
        CHECK_FALSE(got.reusable);
    }
    SECTION("interim answers")
    {
        const auto got = read(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            step);
        CHECK(got.interims == std::vector<unsigned>{100, 103});
        CHECK(got.body == "ok");
        CHECK(got.reusable);
    }
    SECTION("no body: HEAD, 204, 304")
    {
        CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", step, true).reusable);
        CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", step, true).reusable);
        CHECK(read("HTTP/1.1 204 No\r\n\r\n", step).reusable);
        CHECK(read("HTTP/1.1 304 Same\r\nContent-Length: 10\r\n\r\n", step).reusable);
        CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", step).reusable);
    }
    SECTION("one after the other")
    {
        response_reader reader{{}};
        for (int i = 0; i < 3; ++i) {
            const auto got = read(reader, "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n" + body, step);
            CHECK(got.body == body);
            CHECK(got.reusable);
        }
    }
}

TEST_CASE("response reader: large bodies, in pieces of at most 64 KiB that hold no more than they have", "[http]")
{
    const auto step = GENERATE(std::size_t{1000}, std::size_t{16 * 1024}, std::size_t{50'000}, std::string_view::npos);
    const std::string body = letters(1'000'000);
    const auto chunk = GENERATE(std::size_t{0}, std::size_t{100}, std::size_t{5'000}, std::size_t{100'000});
    CAPTURE(step, chunk);
    const auto got = chunk == 0
                         ? read("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + body, step)
                         : read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, chunk), step);
    CHECK(got.end == state::done);
    CHECK(got.reusable);
    CHECK(got.body == body);
    CHECK(std::ranges::all_of(got.pieces, [](const shared_bytes& one) { return one.view.size() <= 64 * 1024; }));
    CHECK(held(got) <= body.size() + body.size() / 12);
}

TEST_CASE("response reader: a body that comes in crumbs does not hold many times its size", "[http]")
{
    const std::string body = letters(50'000);
    auto got = read("HTTP/1.1 200 OK\r\n\r\n" + body, 1, false, true);
    CHECK(got.body == body);
    CHECK(held(got) <= body.size() + body.size() / 8);
    got = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 1), 6);
    CHECK(got.body == body);
    CHECK(held(got) <= body.size() + body.size() / 8);
}

TEST_CASE("response reader: a head outlives its reader's buffer", "[http]")
{
    http::response_head kept;
    {
        response_reader reader{{}};
        reader.begin(false);
        const std::string_view bytes = "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 0\r\n\r\n";
        std::memcpy(reader.prepare().data(), bytes.data(), bytes.size());
        reader.commit(bytes.size());
        kept = reader.release_head();
    }
    REQUIRE(kept.headers.size() == 2);
    CHECK(kept.headers[0].name == http::field::etag);
    CHECK(kept.headers[0].value == "\"x\"");
}

TEST_CASE("response reader: what two readers could understand differently is refused", "[http]")
{
    struct row {
        const char* what;
        std::string bytes;
    };
    using namespace std::string_literals;
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::vector<row> table{
        {"HTTP/0.9", "<html>hello</html>\r\n\r\n"},
        {"HTTP/2 settings", "\0\0\x12\x04\0\0\0\0\0"s},
        {"HTTP/2 in words", "HTTP/2 200\r\n\r\n"},
        {"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"},
        {"lower-case version", "http/1.1 200 OK\r\n\r\n"},
        {"an empty line first", "\r\n" + ok + "\r\n"},
        {"status of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
        {"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
        {"status below 100", "HTTP/1.1 099 OK\r\n\r\n"},
        {"status above 599", "HTTP/1.1 600 OK\r\n\r\n"},
        {"status with a sign", "HTTP/1.1 +20 OK\r\n\r\n"},
        {"two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n"},
        {"NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n"s},
        {"bare CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n"},
        {"101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"},
        {"bare LF after the status line", "HTTP/1.1 200 OK\nA: b\r\n\r\n"},
        {"bare LF after a header", ok + "A: b\nC: d\r\n\r\n"},
        {"bare LF at the end", ok + "A: b\r\n\n"},
        {"bare CR in a value", ok + "A: b\rSet-Cookie: c\r\n\r\n"},
        {"CR CR LF", ok + "A: b\r\r\n\r\n"},
        {"NUL in a value", ok + "A: b\0c\r\n\r\n"s},
        {"NUL in a name", ok + "A\0: b\r\n\r\n"s},
        {"DEL in a value", ok + "A: b\x7f\r\n\r\n"},
        {"folded with a space", ok + "A: b\r\n c\r\n\r\n"},
        {"folded with a tab", ok + "A: b\r\n\tc\r\n\r\n"},
        {"folded status line", ok + " c\r\n\r\n"},
        {"space before the colon", ok + "A : b\r\n\r\n"},
        {"space before the colon of a length", ok + "Content-Length : 5\r\n\r\nhello"},
        {"no name", ok + ": b\r\n\r\n"},
        {"no colon", ok + "A b\r\n\r\n"},
        {"name that is no token", ok + "A(b): c\r\n\r\n"},
        {"two lengths", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"},
        {"a list of lengths", ok + "Content-Length: 5, 5\r\n\r\nhello"},
        {"a length with a sign", ok + "Content-Length: +5\r\n\r\nhello"},
        {"a negative length", ok + "Content-Length: -5\r\n\r\nhello"},
        {"a hexadecimal length", ok + "Content-Length: 0x5\r\n\r\nhello"},
        {"an empty length", ok + "Content-Length:\r\n\r\n"},
        {"a length with a space inside", ok + "Content-Length: 1 0\r\n\r\nhellohello"},
        {"a length beyond 64 bits", ok + "Content-Length: 18446744073709551616\r\n\r\n"},
        {"length and chunks", ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"chunks and length", ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
        {"chunked twice", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"chunked twice in a list", ok + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
        {"gzip and chunked", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        {"identity", ok + "Transfer-Encoding: identity\r\n\r\n"},
        {"chunked with a vertical tab", ok + "Transfer-Encoding: \x0b"
                                             "chunked\r\n\r\n0\r\n\r\n"},
        {"chunked of HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"chunked to HEAD with a length", "HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
    };
    for (const auto& one : table)
        for (const auto step : steps) {
            CAPTURE(one.what, step);
            const auto got = read(one.bytes, step);
            CHECK(got.end == state::malformed);
            CHECK_FALSE(got.refused.empty());
            CHECK_FALSE(got.reusable);
        }
}

TEST_CASE("response reader: bad chunks are refused, and nothing after them is body", "[http]")
{
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    std::vector<std::string> table{
        "x\r\n",
        "\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "-5\r\nhello\r\n",
        "5\nhello\r\n",
        "5\r\nhelloX\r\n",
        "5\r\nhello\n",
        "5\r\nhello\r\r\n",
        "10000000000000000\r\n",
        "00000000000000005\r\nhello\r\n",
        "5;a\rb\r\nhello\r\n",
        std::string("5;\0\r\nhello\r\n", 12),
        "5;" + std::string(2000, 'x') + "\r\nhello\r\n",
        "0\r\nbad trailer\r\n\r\n",
        "0\r\n: x\r\n\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\n folded: x\r\n\r\n",
        "0\r\nA: " + std::string(70'000, 'x'),
    };
    // Bounded in all, not each.
    const std::string extended = "5;" + std::string(500, 'x') + "\r\nhello\r\n";
    table.push_back(extended + extended + extended);
    table.emplace_back("0\r\n");
    for (int i = 0; i < 10'000; ++i) table.back() += "A: bcd\r\n";
    for (const auto& one : table)
        for (const auto step : {std::size_t{1}, std::size_t{5}, std::string_view::npos}) {
            CAPTURE(one.substr(0, 40), step);
            const auto got = read(head + one, step);
            CHECK(got.end == state::malformed);
            CHECK(std::string_view{"hellohellohello"}.starts_with(got.body));
        }
}

TEST_CASE("response reader: heads, their lines and interim answers are bounded", "[http]")
{
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 100; ++i) many += "A: b\r\n";
    CHECK(read(many + "Content-Length: 0\r\n\r\n").refused == "the head has too many headers");
    CHECK(read(many + "\r\n").end == state::body);

    const std::string line(15'000, 'x');
    CHECK(read("HTTP/1.1 200 " + line).refused == "the head is too long");
    CHECK(read("HTTP/1.1 200 OK\r\nA: " + line + "\r\n\r\n").refused == "the head is too long");
    CHECK(read("HTTP/1.1 200 OK\r\nA: " + line.substr(0, 14'000) + "\r\nContent-Length: 0\r\n\r\n", 999).reusable);

    std::string flood;
    for (int i = 0; i < 16; ++i) flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
    const std::string last = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    CHECK(read(flood + last).interims.size() == 16);
    CHECK(read(flood + last).reusable);
    CHECK(read(flood + "HTTP/1.1 103 Early Hints\r\n\r\n" + last).refused == "too many interim answers");
}

TEST_CASE("response reader: equal lengths are one, and a reason may be missing", "[http]")
{
    const auto got = read("HTTP/1.1 200\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(got.body == "hello");
    CHECK(got.reusable);
}

TEST_CASE("response reader: what comes after an answer spoils the connection, and is no part of it", "[http]")
{
    const std::string next = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    const std::vector<std::string> answers{
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
    };
    for (const auto& one : answers) {
        const auto got = read(one + next);
        CHECK(got.end == state::done);
        CHECK(got.body == "good");
        CHECK_FALSE(got.reusable);
    }
    CHECK_FALSE(read("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").reusable);
    CHECK_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", std::string_view::npos, true).reusable);
}

TEST_CASE("response reader: an end that comes too early is no end", "[http]")
{
    const auto ends = [](const std::string& bytes) { return read(bytes, std::string_view::npos, false, true).end; };
    CHECK(ends("") == state::cut_short);
    CHECK(ends("HTTP/1.1 200 OK\r\nA: b\r\n") == state::cut_short);
    CHECK(ends("HTTP/1.1 103 Early\r\n\r\n") == state::cut_short);
    CHECK(ends("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello") == state::cut_short);
    CHECK(ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") == state::cut_short);
    CHECK(ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n") == state::cut_short);
    CHECK(ends("HTTP/1.1 200 OK\r\n\r\nhello") == state::done);
}
