#include "services/relay/progress/snapshot.hpp"

#include <catch2/catch.hpp>

#include <string>

using shoal::relay::snapshot;

namespace {

bool sees(std::string_view text, std::uint64_t xid)
{
    const auto read = snapshot::parse(text);
    REQUIRE(read);
    return read->sees(static_cast<std::uint32_t>(xid));
}

constexpr std::uint64_t turn = std::uint64_t{1} << 32U;

}  // namespace

TEST_CASE("snapshot: what ended before it is seen, what runs or came after is not", "[relay]")
{
    const auto* const text = "100:110:100,103,109";
    CHECK(sees(text, 3));
    CHECK(sees(text, 99));
    CHECK_FALSE(sees(text, 100));
    CHECK(sees(text, 101));
    CHECK_FALSE(sees(text, 103));
    CHECK(sees(text, 108));
    CHECK_FALSE(sees(text, 109));
    CHECK_FALSE(sees(text, 110));
    CHECK_FALSE(sees(text, 111));
}

TEST_CASE("snapshot: nothing runs where the list is empty", "[relay]")
{
    CHECK(sees("100:100:", 99));
    CHECK_FALSE(sees("100:100:", 100));
    CHECK(sees("100:105:", 104));
    CHECK_FALSE(sees("100:105:", 105));
}

TEST_CASE("snapshot: those that run may be listed in any order", "[relay]")
{
    for (const std::uint64_t running : {103, 100, 109}) CHECK_FALSE(sees("100:110:109,100,103", running));
    CHECK(sees("100:110:109,100,103", 104));
}

TEST_CASE("snapshot: 32 bits of a transaction's number are enough on both sides of where they begin anew", "[relay]")
{
    const auto around = [](std::uint64_t base) {
        return std::to_string(base - 3) + ":" + std::to_string(base + 3) + ":" + std::to_string(base - 3) + "," +
               std::to_string(base - 1) + "," + std::to_string(base) + "," + std::to_string(base + 2);
    };
    for (const auto base : {turn, 2 * turn, 7 * turn, (std::uint64_t{1} << 40U)}) {
        const auto text = around(base);
        CAPTURE(text);
        CHECK(sees(text, base - 4));
        CHECK_FALSE(sees(text, base - 3));
        CHECK(sees(text, base - 2));
        CHECK_FALSE(sees(text, base - 1));
        CHECK_FALSE(sees(text, base));
        CHECK(sees(text, base + 1));
        CHECK_FALSE(sees(text, base + 2));
        CHECK_FALSE(sees(text, base + 3));
    }
}

TEST_CASE("snapshot: a number is the one of 2^32 that is nearest", "[relay]")
{
    const auto next = 5 * turn + 10;
    const auto text = std::to_string(next) + ":" + std::to_string(next) + ":";
    CHECK(sees(text, next - 1));
    CHECK(sees(text, next - 1000));
    CHECK(sees(text, next - (turn / 2 - 1)));
    CHECK_FALSE(sees(text, next));
    CHECK_FALSE(sees(text, next + turn / 2 - 1));
}

TEST_CASE("snapshot: text that is none is refused, however it is cut", "[relay]")
{
    const std::string whole = "100:110:100,103,109";
    // Cut within the last number it is another snapshot, and so it is after a number or the second colon.
    for (const std::size_t length : {0U, 1U, 3U, 4U, 5U, 7U, 12U, 16U}) {
        CAPTURE(whole.substr(0, length));
        CHECK_FALSE(snapshot::parse(whole.substr(0, length)));
    }
    for (const auto* const text : {":",
                                   "::",
                                   "1",
                                   "1:",
                                   ":1:",
                                   "1:2",
                                   "1::2",
                                   "1:2:,",
                                   "1:2:1,",
                                   "1:2:,1",
                                   "1:2:1,,1",
                                   "1:2:1:",
                                   "1:2:1 ",
                                   " 1:2:",
                                   "1 :2:",
                                   "1:2: 1",
                                   "-1:2:",
                                   "1:-2:",
                                   "+1:2:",
                                   "1:2:-1",
                                   "1:2:x",
                                   "0x1:2:",
                                   "1,2:",
                                   "2:1:",
                                   "1:2:\n",
                                   "18446744073709551616:18446744073709551616:",
                                   "1:2:18446744073709551616",
                                   "1.0:2:",
                                   "a:b:c"}) {
        CAPTURE(text);
        CHECK_FALSE(snapshot::parse(text));
    }
    CHECK_FALSE(snapshot::parse(std::string_view{"1:2:\0", 5}));
    CHECK_FALSE(snapshot::parse(std::string_view{"1:2:1\0", 6}));
    CHECK_FALSE(snapshot::parse(std::string_view{"1\0002:2:", 6}));
}
