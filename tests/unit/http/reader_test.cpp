#include "common/http/reader.hpp"

#include <cstring>
#include <random>

#include <catch2/catch.hpp>

#include "tests/unit/http/refusals.hpp"
#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using state = http::request_reader::state;

/// What a reader makes of bytes that come in the given pieces.
struct outcome {
    /// Target, header values and body of each request.
    std::vector<std::string> requests;
    unsigned refused = 0;
    std::string detail;
    bool idle = false;

    bool operator==(const outcome&) const = default;
};

std::string summary(const http::request& of)
{
    std::string text{of.method_text};
    text.append(" ").append(of.path).append("?").append(of.query).append(" of ").append(of.target);
    for (const auto& one : of.headers) text.append("|").append(one.name_text).append("=").append(one.value);
    return text.append("|").append(of.body);
}

void take_ready(http::request_reader& reader, outcome& into)
{
    while (reader.current() == state::ready) {
        into.requests.push_back(summary(reader.request()));
        reader.next();
    }
}

void feed(http::request_reader& reader, std::string_view piece, outcome& into)
{
    while (!piece.empty() && reader.current() != state::refused) {
        const auto room = reader.prepare();
        const auto count = std::min(room.size(), piece.size());
        std::memcpy(room.data(), piece.data(), count);
        piece.remove_prefix(count);
        reader.commit(count);
        take_ready(reader, into);
    }
}

outcome read(const http::limits& bounds, const std::vector<std::string_view>& pieces)
{
    http::request_reader reader{bounds};
    outcome seen;
    for (const auto piece : pieces) feed(reader, piece, seen);
    if (reader.current() == state::refused) {
        seen.refused = reader.refused().status;
        seen.detail = reader.refused().detail;
    }
    seen.idle = reader.current() == state::idle;
    return seen;
}

std::vector<std::string_view> bytes_of(std::string_view text)
{
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
    return pieces;
}

void check_every_cut(const http::limits& bounds, std::string_view bytes, const outcome& expected)
{
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        CAPTURE(cut);
        REQUIRE(read(bounds, {bytes.substr(0, cut), bytes.substr(cut)}) == expected);
    }
    REQUIRE(read(bounds, bytes_of(bytes)) == expected);
}

class random_requests {
public:
    explicit random_requests(std::uint32_t seed) : random_{seed} {}

    std::size_t upto(std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(random_); }

    std::string text(std::size_t most)
    {
        std::string made(upto(most), ' ');
        for (char& c : made) c = static_cast<char>('a' + upto(25));
        return made;
    }

    /// Appends a request, and returns what a reader must make of it.
    std::string add(std::string& to)
    {
        const auto path = "/" + text(300);
        std::string head = " HTTP/1.1\r\nHost: a\r\n";
        std::string expected = "POST " + path + "?" + " of " + path + "|Host=a";
        for (std::size_t i = upto(6); i > 0; --i) {
            const auto value = text(200);
            head += "X: " + value + "\r\n";
            expected += "|X=" + value;
        }
        const auto body = text(upto(3) == 0 ? 60'000 : 50);
        const bool in_chunks = upto(1) == 0;
        const std::string framing =
            in_chunks ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(body.size());
        expected +=
            "|" + framing.substr(0, framing.find(':')) + "=" + framing.substr(framing.find(':') + 2) + "|" + body;
        to += (upto(4) == 0 ? "\r\nPOST " : "POST ") + path + head + framing + "\r\n\r\n";
        to += in_chunks ? chunks_of(body) : body;
        return expected;
    }

    std::vector<std::string_view> cut(std::string_view bytes)
    {
        const std::size_t most = upto(2) == 0 ? 7 : 20'000;
        std::vector<std::string_view> pieces;
        while (!bytes.empty()) {
            const auto size = std::min(bytes.size(), 1 + upto(most));
            pieces.push_back(bytes.substr(0, size));
            bytes.remove_prefix(size);
        }
        return pieces;
    }

private:
    std::string chunks_of(std::string_view body)
    {
        std::string coded;
        while (!body.empty()) {
            const auto size = std::min(body.size(), 1 + upto(5000));
            char digits[16];
            std::snprintf(digits, sizeof digits, "%zx", size);
            coded.append(digits).append("\r\n").append(body.substr(0, size)).append("\r\n");
            body.remove_prefix(size);
        }
        return coded + "0\r\n\r\n";
    }

    std::mt19937 random_;
};

}  // namespace

TEST_CASE("reader: a refused request is refused alike wherever its bytes are cut", "[http]")
{
    const auto bounds = test::tight_limits();
    for (const auto& one : test::refused_cases()) {
        CAPTURE(one.name);
        const auto whole = read(bounds, {one.bytes});
        CHECK(whole.refused == static_cast<unsigned>(one.status));
        CHECK(whole.requests.empty());
        CHECK_FALSE(whole.detail.empty());
        check_every_cut(bounds, one.bytes, whole);
    }
}

TEST_CASE("reader: an unusual request is read alike wherever its bytes are cut", "[http]")
{
    const auto bounds = test::tight_limits();
    for (const auto& one : test::accepted_cases()) {
        CAPTURE(one.name);
        // Another one behind it: not a byte too many is taken.
        const auto bytes = one.bytes + "GET /next HTTP/1.1\r\nHost: n\r\n\r\n";
        const auto whole = read(bounds, {bytes});
        CAPTURE(whole.detail);
        REQUIRE(whole.requests.size() == 2);
        CHECK(whole.requests[0].find(" of " + one.target + "|") != std::string::npos);
        CHECK(whole.requests[0].ends_with("|" + one.body));
        CHECK(whole.requests[1] == "GET /next? of /next|Host=n|");
        CHECK(whole.idle);
        check_every_cut(bounds, bytes, whole);
    }
}

TEST_CASE("reader: the host of an absolute target replaces the Host header", "[http]")
{
    const auto seen = read(test::tight_limits(), {"GET http://b:8080/c HTTP/1.1\r\nHost: a\r\n\r\n"});
    REQUIRE(seen.requests.size() == 1);
    CHECK(seen.requests[0] == "GET /c? of /c|Host=b:8080|");
}

TEST_CASE("reader: random requests come out as they went in, however they are cut", "[http]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    random_requests random{seed};
    const http::limits bounds;
    for (int round = 0; round < 60; ++round) {
        std::string bytes;
        std::vector<std::string> expected;
        for (std::size_t i = 1 + random.upto(20); i > 0; --i) expected.push_back(random.add(bytes));
        const auto seen = read(bounds, random.cut(bytes));
        CAPTURE(round, seen.refused, seen.detail);
        REQUIRE(seen.requests == expected);
        REQUIRE(seen.idle);
    }
}

TEST_CASE("reader: random damage never gets past the bounds or the sanitizers", "[http]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    random_requests random{seed};
    const http::limits bounds;
    for (int round = 0; round < 300; ++round) {
        std::string bytes;
        for (int i = 0; i < 3; ++i) (void)random.add(bytes);
        for (std::size_t i = 1 + random.upto(5); i > 0; --i)
            bytes[random.upto(bytes.size() - 1)] = "\r\n\0 :;,\t\xff/0Az"[random.upto(13)];
        const auto whole = read(bounds, {bytes});
        CAPTURE(round, whole.refused, whole.detail);
        REQUIRE(whole.requests.size() <= 4);
        REQUIRE(read(bounds, random.cut(bytes)) == whole);
    }
}
