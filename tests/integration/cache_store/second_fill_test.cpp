// Fills that workers share through the real Redis: the lock, and what followers get of the leader.

#include <csignal>

#include <catch2/catch.hpp>

#include <random>

#include "services/cache/store/second_level.hpp"
#include "services/cache/store/second_level_keys.hpp"
#include "tests/integration/cache_store/second_workers.hpp"

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;
using test::a_stored;
using step = fill_follower::step;
using turn = second_level::turn;

namespace {

shared_head a_head(std::optional<std::uint64_t> length = std::nullopt)
{
    return {.kept = a_stored({.body = ""}), .lines = "Content-Type: text/plain\r\n", .length = length};
}

struct heard {
    step last = step::waiting;
    bool head = false;
    std::string body;
    std::string trailers;
};

/// Everything up to its end.
heard follow(test::second_workers& workers, fill_follower& from)
{
    heard made;
    do {
        auto news = workers.next(from);
        made.last = news.what;
        made.head |= news.what == step::head;
        made.body.append(news.piece.view);
        made.trailers += news.trailers;
    } while (made.last == step::head || made.last == step::piece);
    return made;
}

bool is_locked(test::second_workers& workers)
{
    return *workers.command({"EXISTS", url_keys{"/a"}.lock()}).integer() == 1;
}

}  // namespace

TEST_CASE("shared fill: one worker leads, and the next one after it", "[cache]")
{
    test::second_workers workers{3};
    auto first = workers.acquire(0);
    REQUIRE(first.whose == turn::ours);
    CHECK(workers.acquire(1).whose == turn::theirs);
    CHECK(workers.acquire(0).whose == turn::theirs);
    CHECK(workers.acquire(1, "/b").whose == turn::ours);

    first.lead->end({});
    workers.until([&workers] { return !is_locked(workers); });
    CHECK(workers.acquire(1).whose == turn::ours);
}

TEST_CASE("shared fill: who waits finds what was stored in the meantime", "[cache]")
{
    test::second_workers workers{2};
    auto mine = workers.acquire(0);
    auto theirs = workers.acquire(1);
    workers.at(0).put(a_stored({.body = "done"}));
    mine.lead->end({});
    CHECK(workers.next(*theirs.follow).what == step::released);
    const auto found = workers.find(1, "/a");
    REQUIRE(found != nullptr);
    CHECK(test::body_of(*found) == "done");
}

TEST_CASE("shared fill: its leader knows whether anybody follows", "[cache]")
{
    test::second_workers workers{2};
    auto mine = workers.acquire(0);
    mine.lead->begin(a_head());
    workers.run_for(100ms);
    CHECK_FALSE(mine.lead->followed());
    auto theirs = workers.acquire(1);
    workers.until([&mine] { return mine.lead->followed(); });
    CHECK(workers.next(*theirs.follow).what == step::head);

    // For longer than a sign of it lasts.
    const auto began = boot_clock::now();
    while (boot_clock::now() - began < 2'500ms) {
        mine.lead->add(share("piece"));
        REQUIRE(workers.next(*theirs.follow).what == step::piece);
        REQUIRE(mine.lead->followed());
    }
    theirs.follow.reset();
    workers.until([&mine] { return !mine.lead->followed(); });
}

TEST_CASE("shared fill: crumbs of one block go as one, and others count for what they take", "[cache]")
{
    auto chosen = test::second_workers::patient();
    chosen.largest = 20'000;
    test::second_workers workers{2, chosen};
    auto mine = workers.acquire(0);
    mine.lead->begin(a_head());
    const bool one_block = GENERATE(true, false);
    const auto block = share(std::string(10'000, 'x'));
    for (std::size_t i = 0; i < 10'000; ++i)
        mine.lead->add(one_block ? shared_bytes{block.view.substr(i, 1), block.owner} : share("x"));
    auto theirs = workers.acquire(1);
    if (!one_block) {
        workers.until([&] { return workers.acquire(1).whose == turn::nobodys; });
        return;
    }
    REQUIRE(theirs.whose == turn::theirs);
    CHECK(workers.next(*theirs.follow).what == step::head);
    mine.lead->end({});
    CHECK(follow(workers, *theirs.follow).body == block.view);
}

TEST_CASE("shared fill: what is not cacheable holds up nobody", "[cache]")
{
    test::second_workers workers{3};
    auto mine = workers.acquire(0);
    auto theirs = workers.acquire(1);
    mine.lead->uncacheable(60s);
    CHECK(workers.next(*theirs.follow).what == step::nobodys);
    CHECK(workers.acquire(2).whose == turn::nobodys);
    // What it says afterwards changes nothing.
    mine.lead.reset();
    workers.run_for(50ms);
    CHECK(workers.acquire(2).whose == turn::nobodys);
}

TEST_CASE("shared fill: a lock is kept up as long as its holder lives, and not longer", "[cache]")
{
    test::second_workers workers{3};
    auto mine = workers.acquire(1);
    const auto began = boot_clock::now();
    workers.until([&] { return boot_clock::now() - began > 2'500ms; });
    CHECK(workers.acquire(2).whose == turn::theirs);

    auto theirs = workers.acquire(2);
    workers.disconnect(1);
    CHECK(workers.next(*theirs.follow).what == step::released);
    CHECK(workers.acquire(2).whose == turn::ours);
}

TEST_CASE("shared fill: nobody gives back another one's lock", "[cache]")
{
    test::second_workers workers{2};
    auto mine = workers.acquire(0);
    workers.command({"DEL", url_keys{"/a"}.lock()});
    auto next = workers.acquire(1);
    REQUIRE(next.whose == turn::ours);
    const auto token = *workers.command({"GET", url_keys{"/a"}.lock()}).text();
    SECTION("by its end")
    {
        mine.lead->end({});
    }
    SECTION("by dropping it")
    {
        mine.lead.reset();
    }
    SECTION("by finding it not to be cacheable")
    {
        mine.lead->uncacheable(60s);
    }
    workers.run_for(200ms);
    CHECK(*workers.command({"GET", url_keys{"/a"}.lock()}).text() == token);
}

TEST_CASE("shared fill: followers get head and bytes while the leader does", "[cache]")
{
    test::second_workers workers{3};
    auto mine = workers.acquire(0);
    auto theirs = workers.acquire(1);
    mine.lead->begin(a_head(9));
    auto news = workers.next(*theirs.follow);
    REQUIRE(news.what == step::head);
    CHECK(news.head->lines == "Content-Type: text/plain\r\n");
    CHECK(news.head->length == 9);
    CHECK(news.head->kept->since() == stamp{1, 1});
    CHECK(news.head->kept->etag() == "\"v1\"");

    mine.lead->add(share("one"));
    news = workers.next(*theirs.follow);
    REQUIRE(news.what == step::piece);
    CHECK(news.piece.view == "one");

    // Who comes now gets everything as well.
    auto late = workers.acquire(2);
    REQUIRE(late.whose == turn::theirs);
    mine.lead->add(share("two"));
    mine.lead->add(share("thr"));
    mine.lead->end("X-Sum: 1\r\n");
    const auto rest = follow(workers, *theirs.follow);
    CHECK(rest.last == step::end);
    CHECK(rest.body == "twothr");
    const auto all = follow(workers, *late.follow);
    CHECK(all.head);
    CHECK(all.last == step::end);
    CHECK(all.body == "onetwothr");
    CHECK(all.trailers == "X-Sum: 1\r\n");
    workers.until([&workers] { return !is_locked(workers); });
}

TEST_CASE("shared fill: who comes after the leader began gets all of it", "[cache]")
{
    test::second_workers workers{2};
    auto mine = workers.acquire(0);
    mine.lead->begin(a_head());
    mine.lead->add(share("early "));
    // Nobody has asked: nothing is written.
    workers.run_for(100ms);
    CHECK(workers.command({"KEYS", "f:*"}).array()->empty());

    auto theirs = workers.acquire(1);
    CHECK(workers.next(*theirs.follow).what == step::head);
    mine.lead->add(share("late"));
    mine.lead->end({});
    const auto all = follow(workers, *theirs.follow);
    CHECK(all.last == step::end);
    CHECK(all.body == "early late");
}

TEST_CASE("shared fill: a leader that fails or dies is known by its followers", "[cache]")
{
    test::second_workers workers{3};
    auto mine = workers.acquire(1);
    auto theirs = workers.acquire(2);
    mine.lead->begin(a_head());
    REQUIRE(workers.next(*theirs.follow).what == step::head);
    SECTION("by failing")
    {
        mine.lead.reset();
    }
    SECTION("by dying")
    {
        workers.disconnect(1);
    }
    const auto rest = follow(workers, *theirs.follow);
    CHECK(rest.last == step::lost);
    CHECK(workers.next(*theirs.follow).what == step::lost);
    workers.until([&workers] { return workers.acquire(2).whose == turn::ours; });
}

TEST_CASE("shared fill: what is too large is everybody's own", "[cache]")
{
    auto chosen = test::second_workers::patient();
    chosen.largest = 10'000;
    test::second_workers workers{2, chosen};
    auto mine = workers.acquire(0);
    SECTION("known by its length")
    {
        auto theirs = workers.acquire(1);
        mine.lead->begin(a_head(10'001));
        CHECK(workers.next(*theirs.follow).what == step::nobodys);
    }
    SECTION("found out")
    {
        mine.lead->begin(a_head());
        for (int i = 0; i < 11; ++i) mine.lead->add(share(std::string(1'000, 'x')));
        workers.until([&workers] { return workers.acquire(1).whose == turn::nobodys; });
    }
}

TEST_CASE("shared fill: what is kept for who is late is bounded", "[cache]")
{
    auto chosen = test::second_workers::patient();
    chosen.largest = 100'000;
    test::second_workers workers{3, chosen};
    auto mine = workers.acquire(0);
    auto theirs = workers.acquire(1);
    auto slow = workers.acquire(2);
    mine.lead->begin(a_head());
    REQUIRE(workers.next(*theirs.follow).what == step::head);
    REQUIRE(workers.next(*slow.follow).what == step::head);
    // Who keeps up gets what is far larger than what is kept.
    for (int i = 0; i < 40; ++i) {
        mine.lead->add(share(std::string(50'000, 'x')));
        REQUIRE(workers.next(*theirs.follow).what == step::piece);
    }
    const auto streams = workers.command({"KEYS", "f:*"});
    REQUIRE(streams.array()->size() == 1);
    CHECK(*workers.command({"MEMORY", "USAGE", *(*streams.array())[0].text()}).integer() < 600'000);
    CHECK(follow(workers, *slow.follow).last == step::lost);
    mine.lead->end({});
    CHECK(follow(workers, *theirs.follow).last == step::end);
}

TEST_CASE("shared fill: followers that come at any time get the same bytes", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    test::second_workers workers{2};
    for (int game = 0; game < 30; ++game) {
        const std::string key = "/" + std::to_string(game);
        auto mine = workers.acquire(0, key);
        std::string body;
        second_level::claim theirs;
        const auto pieces = random() % 30;
        const auto joins_at = random() % (pieces + 1);
        for (std::size_t i = 0; i <= pieces; ++i) {
            if (i == 0) mine.lead->begin(a_head());
            if (i == joins_at) theirs = workers.acquire(1, key);
            if (i == joins_at) workers.run_for(std::chrono::milliseconds{random() % 40});
            const std::string piece(1 + random() % 20'000, static_cast<char>('a' + random() % 26));
            body += piece;
            mine.lead->add(share(piece));
            if (random() % 3 == 0) workers.run_for(std::chrono::milliseconds{random() % 8});
        }
        REQUIRE(theirs.whose == turn::theirs);
        // A leader that ends before it has seen that somebody waits shares nothing.
        mine.lead->end({});
        const auto all = follow(workers, *theirs.follow);
        if (all.last == step::released) {
            REQUIRE_FALSE(all.head);
        } else {
            REQUIRE(all.last == step::end);
            REQUIRE(all.body == body);
        }
    }
}

TEST_CASE("shared fill: without Redis the leader goes on and followers know", "[cache]")
{
    test::second_workers workers{2};
    auto mine = workers.acquire(0);
    auto theirs = workers.acquire(1);
    mine.lead->begin(a_head());
    REQUIRE(workers.next(*theirs.follow).what == step::head);
    workers.server().kill();
    CHECK(follow(workers, *theirs.follow).last == step::lost);
    for (int i = 0; i < 100; ++i) mine.lead->add(share(std::string(60'000, 'x')));
    mine.lead->end({});
    workers.run_for(50ms);
}
