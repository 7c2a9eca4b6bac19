#include "services/limiter/lease.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace shoal::limiter;

namespace {

constexpr std::int64_t ms = 1000;
constexpr std::int64_t second = 1000 * ms;
/// 1000 a second, bursts of 100: T is 1 ms, L 25 ms, a lease at most 25 cells.
const rate fast = make_rate(1000, second, 100);
constexpr std::int64_t span = 25 * ms;
/// Redis' clock and the worker's at the start.
constexpr std::int64_t epoch = 1'763'822'000 * second;
constexpr std::int64_t boot = 3600 * second;

/// One worker and its Redis, and a clock that stands still unless it is told.
struct desk {
    account worker;
    std::optional<cell> stored{};
    std::int64_t now = 0;
    std::int64_t version = 1;

    void arrive(int requests)
    {
        for (int i = 0; i < requests; ++i) worker.arrived(fast, 1, boot + now);
    }
    std::optional<outcome> decide(std::int64_t cost = 1) { return worker.decide(version, cost, boot + now); }
    ask next(std::int64_t cost = 1, std::int64_t waiting = 0) { return worker.next(fast, cost, waiting, boot + now); }
    ruling run(const ask& asked)
    {
        const auto made = shoal::limiter::decide(fast, stored, asked, epoch + now);
        if (made.changed) stored = made.after;
        return {.made = made, .judged = fast, .version = 1, .now_us = epoch + now};
    }
    void learn(const ask& asked, const ruling& heard, std::int64_t sent)
    {
        worker.learn(version, asked, heard, boot + sent, boot + now);
    }
    ruling call(std::int64_t cost = 1, std::int64_t waiting = 0)
    {
        const auto asked = next(cost, waiting);
        const auto heard = run(asked);
        learn(asked, heard, now);
        return heard;
    }
    /// Has shown that nobody else moves the cell; all that is in the past, and the cell is empty again.
    void own()
    {
        arrive(4);
        (void)call();
        REQUIRE(call().made.alone);
        now += 10 * span;
    }
    void spend_all()
    {
        arrive(20);
        for (int i = 0; i < 4; ++i) {
            REQUIRE(call(1, 24).made.cells == 25);
            REQUIRE(decide(24));
        }
    }
    void take_elsewhere(std::int64_t cells) { REQUIRE(run({.cost = cells}).made.granted); }
};

}  // namespace

TEST_CASE("lease: who knows nothing asks, and for no more than was asked of it", "[limiter]")
{
    desk one;
    one.arrive(1);
    REQUIRE_FALSE(one.decide());
    const auto asked = one.next();
    REQUIRE(asked.cost == 1);
    REQUIRE(asked.wanted == 0);
    REQUIRE_FALSE(asked.settles);
}

TEST_CASE("lease: half of the arrivals in the last span are leased, and no more than refills in it", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    REQUIRE(one.next().wanted == 10);
    one.arrive(1000);
    REQUIRE(one.next().wanted == 25);
}

TEST_CASE("lease: arrivals of the span before count less and less, and then not at all", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(21);
    one.now += span;
    one.arrive(1);
    REQUIRE(one.next().wanted == 11);
    one.now += span / 2;
    REQUIRE(one.next().wanted == 5);
    one.now += 10 * span;
    one.arrive(1);
    REQUIRE(one.next().wanted == 0);
}

TEST_CASE("lease: a cost that would use up most of a lease is taken directly", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    REQUIRE(one.next(5).wanted == 10);
    REQUIRE(one.next(6).wanted == 0);
    REQUIRE(one.next(0).wanted == 0);
}

TEST_CASE("lease: leased cells are spent from memory, each once", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    REQUIRE(one.call().made.cells == 10);
    for (int i = 0; i < 9; ++i) {
        const auto made = one.decide();
        REQUIRE(made);
        REQUIRE(made->granted);
        REQUIRE(made->by == decided_by::memory);
        // What the lease costs beyond what was spent can be given back, so that it counts as there.
        REQUIRE(made->after.remaining == 100 - 2 - i);
    }
    REQUIRE_FALSE(one.decide());
}

TEST_CASE("lease: a cost above what is left is asked for, and the rest goes back with it", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    (void)one.call();
    REQUIRE(one.decide(6));
    REQUIRE_FALSE(one.decide(4));
    const auto asked = one.next(4);
    REQUIRE(asked.settles);
    REQUIRE(asked.settles->granted == 10);
    REQUIRE(asked.settles->unspent == 3);
    REQUIRE_FALSE(one.decide(1));
}

TEST_CASE("lease: it ends a span after the request for it was sent, however late the reply", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    const auto asked = one.next();
    const auto sent = one.now;
    one.now += 20 * ms;
    one.learn(asked, one.run(asked), sent);
    one.now = sent + span - span / 64 - 2;
    REQUIRE(one.decide());
    one.now += 1;
    REQUIRE_FALSE(one.decide());

    desk late;
    late.own();
    late.arrive(20);
    const auto again = late.next();
    late.now += 2 * span;
    late.learn(again, late.run(again), late.now - 2 * span);
    REQUIRE_FALSE(late.decide());
}

TEST_CASE("lease: what ended is settled once, with the cells that are left", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    (void)one.call();
    one.now += 2 * span;
    REQUIRE(one.worker.surrender()->unspent == 9);
    REQUIRE_FALSE(one.worker.surrender());

    desk spent;
    spent.own();
    spent.arrive(20);
    (void)spent.call();
    REQUIRE(spent.decide(9));
    // It shows that nobody else has moved the cell.
    REQUIRE(spent.worker.surrender()->unspent == 0);
}

TEST_CASE("lease: a refusal is remembered until the cost fits, at most a span", "[limiter]")
{
    desk one;
    one.take_elsewhere(100);
    one.arrive(1);
    REQUIRE_FALSE(one.call(10).made.granted);
    const auto again = one.decide(10);
    REQUIRE(again);
    REQUIRE_FALSE(again->granted);
    REQUIRE(again->after.retry_after_us == 10 * ms);
    one.now = 4 * ms;
    REQUIRE(one.decide(10)->after.retry_after_us == 6 * ms);
    // A smaller cost may fit already.
    REQUIRE_FALSE(one.decide(4));
    REQUIRE(one.decide(5));
    one.now = 10 * ms;
    REQUIRE_FALSE(one.decide(10));

    desk other;
    other.take_elsewhere(100);
    other.arrive(1);
    (void)other.call(60);
    other.now = span - 1;
    REQUIRE(other.decide(60));
    other.now = span;
    REQUIRE_FALSE(other.decide(60));
}

TEST_CASE("lease: where more was wanted than there was, refusals last until the wanted would fit", "[limiter]")
{
    desk one;
    one.own();
    one.spend_all();
    desk together = one;
    REQUIRE_FALSE(one.call().made.granted);
    const auto refused = one.decide();
    REQUIRE(refused);
    REQUIRE(refused->after.retry_after_us == 10 * ms);
    const auto since = one.now;
    one.now = since + 10 * ms - 1;
    REQUIRE(one.decide());
    one.now = since + 10 * ms;
    REQUIRE_FALSE(one.decide());
    REQUIRE(one.call().made.granted);

    // Others may get what would be waited for.
    together.now += ms;
    together.take_elsewhere(1);
    REQUIRE_FALSE(together.call().made.granted);
    REQUIRE(together.decide()->after.retry_after_us == ms);
}

TEST_CASE("lease: only who has been alone for a quarter of a span leases", "[limiter]")
{
    desk one;
    one.arrive(20);
    const auto first = one.next();
    REQUIRE(first.crowd == 1);
    REQUIRE(first.wanted == 0);
    one.learn(first, one.run(first), one.now);
    REQUIRE(one.call().made.alone);
    desk interrupted = one;
    one.now += span / 4 - 1;
    REQUIRE_FALSE(one.call().made.leased);
    one.now += 1;
    REQUIRE(one.call().made.leased);

    interrupted.now += span / 8;
    interrupted.take_elsewhere(1);
    REQUIRE_FALSE(interrupted.call().made.alone);
    interrupted.now += span / 8;
    REQUIRE_FALSE(interrupted.call().made.leased);
    interrupted.now += span / 4;
    REQUIRE(interrupted.call().made.leased);
}

TEST_CASE("lease: who finds somebody else's cells behind its lease leases no more", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    REQUIRE(one.call().made.leased);
    one.take_elsewhere(1);
    const auto asked = one.next();
    REQUIRE(asked.wanted == 10);
    const auto heard = one.run(asked);
    REQUIRE_FALSE(heard.made.leased);
    one.learn(asked, heard, one.now);
    REQUIRE_FALSE(one.decide());
    REQUIRE(one.next().wanted == 0);
}

TEST_CASE("lease: what is taken for a crowd is handed out to it, each cell once, and to nobody else", "[limiter]")
{
    desk one;
    one.arrive(20);
    const auto heard = one.call(1, 7);
    REQUIRE(heard.made.cells == 8);
    REQUIRE_FALSE(one.decide());
    REQUIRE(one.worker.hand_out(4, boot + one.now)->after.remaining == 100 - 5);
    REQUIRE_FALSE(one.worker.hand_out(4, boot + one.now));
    REQUIRE(one.worker.hand_out(2, boot + one.now)->granted);
    REQUIRE(one.next().settles->unspent == 1);
    REQUIRE_FALSE(one.worker.hand_out(1, boot + one.now));
}

TEST_CASE("lease: a crowd that waits for an owner is served from its lease", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    const auto asked = one.next(1, 15);
    REQUIRE(asked.crowd == 16);
    REQUIRE(asked.wanted == 16);
    one.learn(asked, one.run(asked), one.now);
    for (int i = 0; i < 10; ++i) REQUIRE(one.worker.hand_out(1, boot + one.now));
    for (int i = 0; i < 5; ++i) REQUIRE(one.decide());
    REQUIRE_FALSE(one.decide());
}

TEST_CASE("lease: another version of the rule decides nothing from memory", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    (void)one.call();
    REQUIRE(one.decide());
    one.version = 2;
    REQUIRE_FALSE(one.decide());
    REQUIRE(one.next().settles);
}

TEST_CASE("lease: a reply to an older version's ask changes nothing", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    const auto asked = one.next();
    const auto heard = one.run(asked);
    one.version = 2;
    (void)one.call();
    one.version = 1;
    one.learn(asked, heard, one.now);
    REQUIRE_FALSE(one.decide());
}

TEST_CASE("lease: what was forgotten is asked for again", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    (void)one.call();
    one.worker.forget();
    REQUIRE_FALSE(one.decide());
    REQUIRE_FALSE(one.worker.surrender());

    desk refused;
    refused.take_elsewhere(100);
    refused.arrive(20);
    (void)refused.call();
    REQUIRE(refused.decide());
    refused.worker.forget();
    REQUIRE_FALSE(refused.decide());
}

TEST_CASE("lease: who waits as long as it was told is granted, whatever the reply's way took", "[limiter]")
{
    desk one;
    one.take_elsewhere(100);
    one.arrive(20);
    const auto asked = one.next();
    const auto heard = one.run(asked);
    one.now = 7 * ms;
    one.learn(asked, heard, 0);
    const auto told = one.worker.standing_at(1, boot + one.now).retry_after_us;
    one.now += told - 1;
    REQUIRE_FALSE(one.decide()->granted);
    one.now += 1;
    REQUIRE_FALSE(one.decide());
    REQUIRE(one.call().made.granted);
}

TEST_CASE("lease: a refusal is over by the latest time that it may be at Redis", "[limiter]")
{
    desk one;
    one.take_elsewhere(100);
    const auto asked = one.next();
    const auto heard = one.run(asked);
    REQUIRE_FALSE(heard.made.granted);
    // The reply took all of that time, or the call did.
    constexpr std::int64_t trip = 600;
    one.now += trip;
    one.learn(asked, heard, one.now - trip);
    const auto told = one.worker.standing_at(1, boot + one.now).retry_after_us;
    REQUIRE(told > trip);
    one.now += told - trip - 1;
    REQUIRE(one.decide());
    one.now += 1;
    REQUIRE_FALSE(one.decide());
}

TEST_CASE("lease: who looks takes nothing of it, and is told while it lasts", "[limiter]")
{
    desk one;
    one.own();
    one.arrive(20);
    REQUIRE(one.call().made.leased);
    const auto seen = one.worker.peek(1, 1, boot + one.now);
    REQUIRE(seen);
    REQUIRE(seen->granted);
    REQUIRE(one.worker.peek(1, 1, boot + one.now)->after.remaining == seen->after.remaining);
    REQUIRE_FALSE(one.worker.peek(2, 1, boot + one.now));
    one.now += span;
    REQUIRE_FALSE(one.worker.peek(1, 1, boot + one.now));
}
