#include "services/relay/progress/progress.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace shoal::relay;

namespace {

constexpr std::size_t plenty = 1'000'000;

snapshot seen(const std::string& text)
{
    const auto read = snapshot::parse(text);
    REQUIRE(read);
    return *read;
}

/// The next batch, by what it purges hard.
std::string next(progress& of, std::size_t most = plenty)
{
    std::string found;
    for (const auto* const each : of.next(most).sets) found += each->hard;
    return found;
}

std::string write(progress& of, std::size_t most = plenty)
{
    auto found = next(of, most);
    of.written();
    return found;
}

}  // namespace

TEST_CASE("progress: a transaction is done after a second write, once it can be seen", "[relay]")
{
    progress of{50};
    CHECK(of.done() == 50);
    of.received(7, 100, {"a", ""});
    CHECK(of.received() == 100);
    CHECK(of.unseen());
    CHECK(write(of) == "a");
    CHECK(of.done() == 50);
    // Nobody can see it: there is nothing to be done meanwhile.
    CHECK(of.next(plenty).empty());
    of.seen(seen("7:9:7"));
    CHECK(of.next(plenty).empty());
    of.seen(seen("8:9:"));
    CHECK_FALSE(of.unseen());
    CHECK(of.done() == 50);
    CHECK(write(of) == "a");
    CHECK(of.done() == 100);
    CHECK(of.next(plenty).empty());
    CHECK(of.open() == 0);
    CHECK(of.bytes() == 0);
}

TEST_CASE("progress: one write is enough for what could be seen before it", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    of.seen(seen("8:8:"));
    CHECK(write(of) == "a");
    CHECK(of.done() == 100);
}

TEST_CASE("progress: what becomes visible during a write is written again", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    CHECK(next(of) == "a");
    of.seen(seen("8:8:"));
    of.written();
    CHECK(of.done() == 0);
    CHECK(write(of) == "a");
    CHECK(of.done() == 100);
}

TEST_CASE("progress: what comes during a write is not of it", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    CHECK(next(of) == "a");
    of.received(8, 200, {"b", ""});
    of.seen(seen("9:9:"));
    of.written();
    CHECK(of.done() == 0);
    CHECK(next(of) == "ab");
}

TEST_CASE("progress: a write that may not have come about is made again", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    of.seen(seen("8:8:"));
    CHECK(next(of) == "a");
    of.not_written();
    CHECK(of.done() == 0);
    // Not of any batch by now.
    of.written();
    CHECK(of.done() == 0);
    CHECK(write(of) == "a");
    CHECK(of.done() == 100);
}

TEST_CASE("progress: up to where everything is done is the end of a prefix, whatever is seen first", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    of.received(8, 200, {"b", ""});
    of.received(9, 300, {"c", ""});
    of.seen(seen("7:10:7"));
    CHECK(write(of) == "abc");
    CHECK(of.done() == 0);
    CHECK(of.next(plenty).empty());
    of.seen(seen("10:10:"));
    CHECK(write(of) == "a");
    CHECK(of.done() == 300);
}

TEST_CASE("progress: what is done behind one that can't be seen takes up nothing", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    of.seen(seen("7:8:7"));
    for (std::uint32_t xid = 8; xid < 5000; ++xid) {
        of.received(xid, 100 * xid, {"b", "s"});
        of.seen(seen("7:" + std::to_string(xid + 1) + ":7"));
        (void)write(of);
        CHECK(of.open() == 1);
        CHECK(of.bytes() == 1);
        CHECK(of.done() == 0);
    }
    // One more of them during a write that the first one waits for.
    of.seen(seen("5000:5000:"));
    CHECK(next(of) == "a");
    of.received(5000, 500'100, {"c", ""});
    of.written();
    CHECK(of.done() == 499'900);
    CHECK(of.open() == 1);
}

TEST_CASE("progress: a batch knows up to where everything is done once it is written", "[relay]")
{
    progress of{50};
    of.received(7, 100, {"a", ""});
    of.received(8, 200, {"b", ""});
    of.received(9, 300, {"c", ""});
    of.passed(350);
    // Nobody sees the second one.
    of.seen(seen("8:10:8"));
    CHECK(of.next(plenty).done == 100);
    of.written();
    CHECK(of.done() == 100);
    of.seen(seen("10:10:"));
    const auto last = of.next(plenty);
    CHECK(last.done == 350);
    // What comes meanwhile is not of it.
    of.received(10, 400, {"d", ""});
    of.written();
    CHECK(of.done() == 350);
}

TEST_CASE("progress: a token is noted with the write that makes its transaction done, and never before", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", "", "first"});
    of.received(8, 200, {"", "", "second"});
    of.received(9, 300, {"c", "", ""});
    auto batch = of.next(plenty);
    // One that purges nothing needs no first write.
    CHECK(batch.sets.size() == 2);
    CHECK(batch.tokens.empty());
    of.written();
    CHECK(of.next(plenty).empty());
    of.seen(seen("7:10:7"));
    batch = of.next(plenty);
    REQUIRE(batch.tokens.size() == 1);
    CHECK(batch.tokens.front().name == "second");
    CHECK(batch.tokens.front().end == 200);
    // Written or not, it comes again until it is.
    of.not_written();
    CHECK(of.next(plenty).tokens.size() == 1);
    of.written();
    of.seen(seen("10:10:"));
    batch = of.next(plenty);
    REQUIRE(batch.tokens.size() == 1);
    CHECK(batch.tokens.front().name == "first");
    CHECK(batch.tokens.front().end == 100);
    of.written();
    CHECK(of.done() == 300);
    CHECK(of.bytes() == 0);
}

TEST_CASE("progress: what replicas lack is not seen, however long the primary shows it", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    of.received(8, 200, {"b", ""});
    CHECK(write(of) == "ab");
    CHECK_FALSE(of.unreplayed());
    of.seen(seen("8:9:8"), 90);
    CHECK(of.unreplayed() == lsn{100});
    CHECK(of.next(plenty).empty());
    CHECK_FALSE(of.caught_up(seen("8:9:8")));
    of.seen(seen("9:9:"), 100);
    CHECK(of.unreplayed() == lsn{200});
    CHECK(write(of) == "a");
    CHECK(of.done() == 100);
    // Replayed, which it can't be before it is committed, and not seen: a replica alone does not make it visible.
    progress other;
    other.received(7, 100, {"a", ""});
    other.seen(seen("7:8:7"), 100);
    CHECK_FALSE(other.unreplayed());
    CHECK(other.unseen());
    of.seen(seen("9:9:"), 250);
    CHECK_FALSE(of.unreplayed());
    CHECK(write(of) == "b");
    CHECK(of.done() == 200);
}

TEST_CASE("progress: what a snapshot saw once it has seen", "[relay]")
{
    progress of;
    of.received(7, 100, {"a", ""});
    of.seen(seen("8:8:"));
    of.seen(seen("7:7:"));
    CHECK_FALSE(of.unseen());
}

TEST_CASE("progress: batches are bounded in bytes, in the log's order, and have one at least", "[relay]")
{
    progress of;
    of.received(7, 100, {"aaaa", ""});
    of.received(8, 200, {"bb", "s"});
    of.received(9, 300, {"c", ""});
    CHECK(of.bytes() == 8);
    of.seen(seen("10:10:"));
    CHECK(next(of, 6) == "aaaa");
    CHECK(next(of, 7) == "aaaabb");
    CHECK(next(of, 8) == "aaaabbc");
    of.not_written();
    CHECK(write(of, 1) == "aaaa");
    CHECK(of.bytes() == 4);
    CHECK(of.done() == 100);
    CHECK(write(of, 1) == "bb");
    CHECK(of.done() == 200);
    CHECK(write(of, 1) == "c");
    CHECK(of.done() == 300);
}

TEST_CASE("progress: what one batch purges is written in parts, none too large and none empty", "[relay]")
{
    progress of;
    of.received(7, 100, {"aaaabbbb", "ssss"});
    of.received(8, 200, {"", "tttt"});
    of.received(9, 300, {"cccc", ""});
    const auto batch = of.next(plenty);
    const auto shown = [&](std::size_t most) {
        std::string all;
        for (const auto& part : in_parts(batch, most)) all += part.hard + "+" + part.soft + " ";
        return all;
    };
    CHECK(shown(4) == "aaaa+ bbbb+ +ssss +tttt cccc+ ");
    CHECK(shown(8) == "aaaabbbb+ +sssstttt cccc+ ");
    CHECK(shown(12) == "aaaabbbb+ssss cccc+tttt ");
    CHECK(shown(plenty) == "aaaabbbbcccc+sssstttt ");
    CHECK(in_parts({}, 4).empty());

    progress other;
    other.received(7, 100, {"", "", "token"});
    other.seen(seen("8:8:"));
    CHECK(in_parts(other.next(plenty), 4).size() == 1);
}

TEST_CASE("progress: what purges nothing only moves on, behind what is open", "[relay]")
{
    progress of;
    of.received(7, 100, {});
    CHECK(of.done() == 100);
    CHECK(of.open() == 0);
    of.passed(150);
    CHECK(of.done() == 150);
    of.received(8, 200, {"", "s"});
    of.received(9, 300, {});
    of.passed(400);
    CHECK(of.received() == 400);
    CHECK(of.done() == 150);
    CHECK(of.open() == 1);
    of.seen(seen("10:10:"));
    (void)write(of);
    CHECK(of.done() == 400);
}

TEST_CASE("progress: a position before the last one takes nothing back", "[relay]")
{
    progress of{100};
    of.passed(50);
    CHECK(of.received() == 100);
    CHECK(of.done() == 100);
}

TEST_CASE("progress: it has caught up with a snapshot when all that this can see is done", "[relay]")
{
    progress of;
    CHECK(of.caught_up(seen("7:7:")));
    of.received(7, 100, {"a", ""});
    of.received(8, 200, {"b", ""});
    CHECK(of.caught_up(seen("7:9:7,8")));
    CHECK_FALSE(of.caught_up(seen("7:9:7")));
    of.seen(seen("7:9:7"));
    CHECK_FALSE(of.caught_up(seen("7:9:7")));
    CHECK(next(of) == "ab");
    CHECK_FALSE(of.caught_up(seen("7:9:7")));
    of.written();
    // Done, but for the one before it, which this one can't see.
    CHECK(of.done() == 0);
    CHECK(of.caught_up(seen("7:9:7")));
    CHECK_FALSE(of.caught_up(seen("9:9:")));
}
