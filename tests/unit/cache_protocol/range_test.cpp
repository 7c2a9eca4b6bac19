#include "services/cache/protocol/range.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <catch2/catch.hpp>

using namespace shoal::cache::protocol;

namespace {

using ranges = std::vector<byte_range>;

ranges parts(std::string_view text, std::uint64_t length)
{
    const auto resolved = resolve_range(text, length);
    CHECK(resolved.answer == range_answer::partial);
    return resolved.parts;
}

range_answer answer(std::string_view text, std::uint64_t length)
{
    const auto resolved = resolve_range(text, length);
    CHECK(resolved.parts.empty() == (resolved.answer != range_answer::partial));
    return resolved.answer;
}

}  // namespace

TEST_CASE("range: first to last, from, and the last ones (RFC 9110, 14.1.2)", "[cache_protocol]")
{
    CHECK(parts("bytes=0-1", 10) == ranges{{0, 1}});
    CHECK(parts("bytes=1-", 10) == ranges{{1, 9}});
    CHECK(parts("bytes=-1", 10) == ranges{{9, 9}});
    CHECK(parts("bytes=-100", 10) == ranges{{0, 9}});
    CHECK(parts("bytes=8-100", 10) == ranges{{8, 9}});
    CHECK(parts("bytes=9-9", 10) == ranges{{9, 9}});
    CHECK(parts("BYTES=0-0", 1) == ranges{{0, 0}});
    CHECK(parts(" bytes= 0-1 , 5-6 ", 10) == ranges{{0, 1}, {5, 6}});
    CHECK(parts("bytes=0-18446744073709551615", 10) == ranges{{0, 9}});
}

TEST_CASE("range: what lies beyond the end can't be satisfied", "[cache_protocol]")
{
    CHECK(answer("bytes=10-", 10) == range_answer::unsatisfiable);
    CHECK(answer("bytes=10-20,30-40", 10) == range_answer::unsatisfiable);
    CHECK(answer("bytes=-0", 10) == range_answer::unsatisfiable);
    CHECK(answer("bytes=0-", 0) == range_answer::unsatisfiable);
    CHECK(answer("bytes=-5", 0) == range_answer::unsatisfiable);
    CHECK(parts("bytes=3-4,10-20", 10) == ranges{{3, 4}});
}

TEST_CASE("range: what is no range is ignored", "[cache_protocol]")
{
    for (const auto* const wrong : {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=--1", "bytes=2-1", "bytes=a-b",
                                    "bytes=1", "bytes=1-2-3", "bytes=+1-2", "bytes=1-2,x", "bytes =1-2", "lines=1-2",
                                    "bytes=0x1-2", "bytes=1 -2", "bytes=99999999999999999999-", "bytes:1-2"}) {
        CAPTURE(wrong);
        CHECK(answer(wrong, 10) == range_answer::whole);
    }
}

TEST_CASE("range: what overlaps or touches is sent as one, in the order asked for", "[cache_protocol]")
{
    CHECK(parts("bytes=0-3,2-5", 100) == ranges{{0, 5}});
    CHECK(parts("bytes=0-3,4-5", 100) == ranges{{0, 5}});
    CHECK(parts("bytes=50-60,0-3", 100) == ranges{{50, 60}, {0, 3}});
    CHECK(parts("bytes=50-60,0-3,61-70", 100) == ranges{{50, 70}, {0, 3}});
    CHECK(parts("bytes=0-10,20-30,11-19", 100) == ranges{{0, 30}});
    CHECK(parts("bytes=0-,-1", 100) == ranges{{0, 99}});
}

TEST_CASE("range: many that overlap, or too many, get the whole", "[cache_protocol]")
{
    CHECK(answer("bytes=0-,0-,0-", 100) == range_answer::whole);
    CHECK(answer("bytes=0-50,10-60,20-70", 1000) == range_answer::whole);
    CHECK(answer("bytes=0-60,61-90,0-20", 100) == range_answer::whole);
    std::string many = "bytes=0-0";
    for (std::size_t n = 1; n < most_ranges; ++n) many += fmt::format(",{0}-{0}", 2 * n);
    CHECK(parts(many, 100).size() == most_ranges);
    CHECK(answer(many + ",99-99", 100) == range_answer::whole);
}

TEST_CASE("range: Content-Range of an origin", "[cache_protocol]")
{
    CHECK(content_range({4, 9}, 10) == "bytes 4-9/10");
    const auto value = parse_content_range("bytes 4-9/10");
    REQUIRE(value);
    CHECK(value->part == byte_range{4, 9});
    CHECK(value->length == 10);
    CHECK_FALSE(parse_content_range("bytes 4-9/*")->length);
    for (const auto* const wrong : {"", "bytes", "bytes */10", "bytes 9-4/10", "bytes 4-10/10", "bytes 4-9/",
                                    "bytes 4-9", "bytes 4/10", "bytes -9/10", "items 4-9/10", "bytes=4-9/10",
                                    "bytes 0-18446744073709551615/*", "ananananananana", "bytes 4-9/10/11"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_content_range(wrong));
    }
}

TEST_CASE("range: the length of a multipart answer is that of what is sent", "[cache_protocol]")
{
    const ranges wanted{{0, 1}, {5, 9}};
    const multipart made{"b0undary", "text/plain", wanted, 10};
    CHECK(made.content_type() == "multipart/byteranges; boundary=b0undary");
    REQUIRE(made.heads().size() == 2);
    CHECK(made.heads()[1] == "\r\n--b0undary\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-9/10\r\n\r\n");
    CHECK(made.tail() == "\r\n--b0undary--\r\n");
    CHECK(made.length() == made.heads()[0].size() + 2 + made.heads()[1].size() + 5 + made.tail().size());
    CHECK(multipart{"b", "", wanted, 10}.heads()[0].find("Content-Type") == std::string::npos);
}

TEST_CASE("range: whatever is sent is exactly what was asked for", "[cache_protocol]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t end) {
        return std::uniform_int_distribution<std::uint64_t>{0, end - 1}(random);
    };
    for (int n = 0; n < 50'000; ++n) {
        const std::uint64_t length = 1 + below(40);
        std::vector<bool> wanted(length);
        std::string text = "bytes=";
        for (std::uint64_t count = 1 + below(4); count > 0; --count) {
            const std::uint64_t first = below(50);
            const std::uint64_t last = first + below(10);
            text += fmt::format("{}-{}{}", first, last, count > 1 ? "," : "");
            for (std::uint64_t at = first; at <= last && at < length; ++at) wanted[at] = true;
        }
        CAPTURE(text, length);
        const auto resolved = resolve_range(text, length);
        const bool none = std::ranges::count(wanted, true) == 0;
        REQUIRE((resolved.answer == range_answer::unsatisfiable) == none);
        if (resolved.answer != range_answer::partial) continue;
        std::vector<bool> sent(length);
        for (const auto& part : resolved.parts) {
            REQUIRE(part.first <= part.last);
            REQUIRE(part.last < length);
            for (std::uint64_t at = part.first; at <= part.last; ++at) {
                REQUIRE_FALSE(sent[at]);
                sent[at] = true;
            }
        }
        REQUIRE(sent == wanted);
    }
}
