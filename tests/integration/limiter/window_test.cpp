// Windows on the real Redis: that window.lua computes what window.cpp does, and what the store promises besides.

#include "services/limiter/window.hpp"
#include "limiter_service_embedded.hpp"
#include "services/limiter/store_arguments.hpp"
#include "tests/integration/limiter/window_stores.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstring>
#include <map>
#include <random>

using namespace shoal;
using namespace shoal::limiter;
using namespace std::chrono_literals;
using test::window_stores;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t never = std::int64_t{1} << 52;

rule make(std::int64_t limit, span length, std::int64_t version = 1, std::string_view zone = "UTC")
{
    rule made;
    made.name = "test";
    made.kind = algorithm::window;
    made.limit = limit;
    made.windows = calendar::make(length, zone);
    made.max_cost = limit;
    made.version = version;
    return made;
}

template <class T>
void append(std::string& to, T value)
{
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    to.append(bytes, sizeof value);
}

/// A counter as the script packs it, on a little-endian machine.
std::string bytes_of(const counter& of)
{
    std::string bytes;
    append(bytes, static_cast<double>(of.in.begin_us));
    append(bytes, static_cast<double>(of.in.end_us));
    append(bytes, static_cast<double>(of.version));
    append(bytes, static_cast<std::uint32_t>(of.taken));
    append(bytes, static_cast<std::uint32_t>(of.limit));
    return bytes;
}

boost::asio::awaitable<void> take_and_count(window_store& at, const rule& by, std::string key, int& ended,
                                            int& admitted)
{
    window in;
    const auto made = co_await at.take(by, key, 1, boot_time::max(), {}, in);
    ++ended;
    if (made && made->granted) ++admitted;
}

using counts = std::map<std::int64_t, std::int64_t>;

boost::asio::awaitable<void> take_until(window_store& at, const rule& by, std::string key, std::int64_t cost,
                                        boot_time end, counts& admitted, int& running)
{
    ++running;
    while (boot_clock::now() < end) {
        window in;
        const auto made = co_await at.take(by, key, cost, boot_time::max(), {}, in);
        if (made && made->granted) admitted[in.begin_us] += cost;
    }
    --running;
}

}  // namespace

TEST_CASE("window.lua: computes what window.cpp computes", "[limiter][property]")
{
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto between = [&random](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random);
    };
    window_stores fleet{1};
    const redis::script code{"window", embedded::window_lua};
    for (int round = 0; round < 3000; ++round) {
        const auto now = fleet.now();
        const auto hour = 3600 * second;
        counter fresh{.in = {.begin_us = now - between(0, hour), .end_us = now + 60 * second + between(0, hour)},
                      .limit = between(1, 20),
                      .version = between(1, 3)};
        counter stored{.in = fresh.in, .taken = between(0, 20), .limit = between(1, 20), .version = between(1, 3)};
        if (between(0, 3) != 0)
            stored.in.begin_us = now + (between(0, 1) != 0 ? 60 * second : -hour) + between(0, hour);
        if (between(0, 3) == 0) stored.in.begin_us = fresh.in.end_us;
        if (stored.in != fresh.in) stored.in.end_us = stored.in.begin_us + 60 * second + between(0, hour);
        const auto cost = between(0, 3) == 0 ? 0 : between(1, 10);
        const auto refunds = between(0, 3) == 0 ? between(1, 10) : 0;

        const std::string name = "k" + std::to_string(round);
        fleet.to.command({"SET", name, bytes_of(stored)});
        const std::array<std::string_view, 1> keys{name};
        const numbers<7> arguments{
            {cost, refunds, fresh.limit, fresh.version, never, fresh.in.begin_us, fresh.in.end_us}};
        const auto reply = fleet.to.get(fleet.to.at(0).eval(code, keys, arguments.views()));
        REQUIRE(reply.has_value());
        std::size_t count = 0;
        const auto read = read_numbers<9>(*reply, count);
        REQUIRE(read.has_value());
        REQUIRE(count == 9);

        const auto settled = settle(stored, fresh, (*read)[1]);
        auto wanted = settled;
        const auto given = std::min(refunds, wanted.taken);
        const bool granted = take(wanted, cost);
        REQUIRE(limiter::refund(wanted, given) == given);
        CAPTURE(round, now, stored.in.begin_us, stored.in.end_us, stored.taken, stored.version, fresh.in.begin_us,
                fresh.in.end_us, fresh.version, cost, refunds);
        REQUIRE(((*read)[0] == 1) == granted);
        REQUIRE(window{(*read)[4], (*read)[5]} == wanted.in);
        REQUIRE((*read)[6] == wanted.taken);
        REQUIRE((*read)[7] == wanted.limit);
        REQUIRE((*read)[8] == given);
        const bool moved = stored.in.end_us > (*read)[1] && (settled.in != stored.in || settled.taken != stored.taken ||
                                                             settled.version != stored.version);
        const auto kept = moved || wanted.taken != settled.taken ? bytes_of(wanted) : bytes_of(stored);
        REQUIRE(*fleet.to.command({"GET", name}).text() == kept);
    }
}

TEST_CASE("window: 2,000 at once by four workers on a limit of 100 admit exactly 100", "[limiter]")
{
    window_stores fleet{4};
    const auto by = make(100, span::month);
    int ended = 0;
    int admitted = 0;
    for (std::size_t i = 0; i < 2000; ++i)
        fleet.to.spawn(take_and_count(fleet.all[i % 4]->windows, by, "alice", ended, admitted));
    fleet.to.until([&ended] { return ended == 2000; });
    REQUIRE(admitted == 100);
}

TEST_CASE("window: never more than the limit in a window, and all of it, by several workers", "[limiter][property]")
{
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    window_stores fleet{3};
    const auto by = make(100, span::second);
    counts admitted;
    int running = 0;
    const auto end = boot_clock::now() + 3200ms;
    for (std::size_t i = 0; i < 8; ++i)
        fleet.to.spawn(take_until(fleet.all[random() % 3]->windows, by, "alice",
                                  static_cast<std::int64_t>(random() % 2 + 1), end, admitted, running));
    fleet.to.until([&] { return running == 0 && boot_clock::now() >= end; });
    REQUIRE(admitted.size() >= 3);
    for (const auto& [begin, count] : admitted) {
        REQUIRE(begin % second == 0);
        REQUIRE(count <= 100);
        REQUIRE((count == 100 || begin == admitted.begin()->first || begin == admitted.rbegin()->first));
    }
}

TEST_CASE("window: who waits as long as it was told is admitted", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(3, span::second);
    REQUIRE(fleet.take(by, "alice", 3)->granted);
    const auto taken_in = fleet.in;
    const auto refused = fleet.take(by, "alice", 2);
    if (fleet.in == taken_in) {
        REQUIRE_FALSE(refused->granted);
        REQUIRE(refused->after.retry_after_us > 0);
        REQUIRE(refused->after.retry_after_us <= second);
        REQUIRE(refused->after.reset_us == refused->after.retry_after_us);
    }
    while (fleet.now() < taken_in.end_us) {
    }
    REQUIRE(fleet.take(by, "alice", 2)->granted);
    REQUIRE(fleet.in.begin_us >= taken_in.end_us);
}

TEST_CASE("window: a worker whose clock is wrong takes in Redis' window", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(10, span::minute);
    for (const auto off : {-1000 * second, 1000 * second, -86'400 * 400 * second}) {
        const auto before = fleet.now();
        fleet.all[0]->clock.heard(before + off);
        REQUIRE(fleet.take(by, "alice", 1)->granted);
        REQUIRE(fleet.in == by.windows->around(fleet.in.begin_us));
        REQUIRE(fleet.in.begin_us <= fleet.now());
        REQUIRE(fleet.in.end_us > before);
        REQUIRE(std::abs(fleet.all[0]->clock.at(boot_clock::now()) - fleet.now()) < second);
    }
}

TEST_CASE("window: a refusal and a peek store nothing, and a counter ends with its window", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(10, span::month);
    REQUIRE(fleet.peek(by, "alice", 10).granted);
    REQUIRE_FALSE(fleet.take(by, "alice", 11)->granted);
    REQUIRE(fleet.to.command({"EXISTS", "w:{test:alice}"}) == redis::value{std::int64_t{0}});
    REQUIRE(fleet.take(by, "alice", 10)->granted);
    const auto before = fleet.to.command({"GET", "w:{test:alice}"});
    REQUIRE_FALSE(fleet.take(by, "alice", 1)->granted);
    REQUIRE(fleet.peek(by, "alice").after.remaining == 0);
    REQUIRE(fleet.to.command({"GET", "w:{test:alice}"}) == before);
    const auto expires = *fleet.to.command({"PEXPIRETIME", "w:{test:alice}"}).integer() * 1000;
    REQUIRE(expires > fleet.in.end_us);
    REQUIRE(expires <= fleet.in.end_us + 3000);
}

TEST_CASE("window: a peek tells what a take would find", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(10, span::month);
    REQUIRE(fleet.take(by, "alice", 7)->granted);
    REQUIRE(fleet.peek(by, "alice", 3).granted);
    REQUIRE(fleet.peek(by, "alice", 3).after.retry_after_us == 0);
    const auto four = fleet.peek(by, "alice", 4);
    REQUIRE_FALSE(four.granted);
    REQUIRE(four.after.remaining == 3);
    REQUIRE(four.after.retry_after_us == four.after.reset_us);
    REQUIRE(fleet.peek(by, "bob").after.reset_us == 0);
}

TEST_CASE("window: an idempotency key gets its first outcome and takes nothing", "[limiter]")
{
    window_stores fleet{2};
    const auto by = make(5, span::month);
    const auto first = fleet.take(by, "alice", 3, 0, "one");
    REQUIRE(first->granted);
    REQUIRE_FALSE(first->replayed);
    const auto taken_in = fleet.in;
    REQUIRE(fleet.take(by, "alice", 2, 1, "two")->granted);
    const auto again = fleet.take(by, "alice", 3, 1, "one");
    REQUIRE(again->granted);
    REQUIRE(again->replayed);
    REQUIRE(again->after.remaining == 2);
    REQUIRE(again->after.reset_us == first->after.reset_us);
    REQUIRE(fleet.in == taken_in);
    REQUIRE(fleet.take(by, "alice", 2, 0, "one")->other_cost);

    const auto refused = fleet.take(by, "alice", 1, 0, "three");
    REQUIRE_FALSE(refused->granted);
    REQUIRE(fleet.refund(by, "alice", 5).cells == 5);
    const auto still = fleet.take(by, "alice", 1, 1, "three");
    REQUIRE_FALSE(still->granted);
    REQUIRE(still->replayed);
    REQUIRE(fleet.take(by, "alice", 5, 0, "four")->granted);
    const auto left = *fleet.to.command({"PTTL", "wi5:{test:alice}:one"}).integer();
    REQUIRE(left > 290'000);
    REQUIRE(left <= 300'000);
}

TEST_CASE("window: an idempotency key belongs to one key, whatever characters both have", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(5, span::month);
    REQUIRE_FALSE(fleet.take(by, "a}:b", 1, 0, "c")->replayed);
    REQUIRE_FALSE(fleet.take(by, "a", 1, 0, "b}:c")->replayed);
    REQUIRE(fleet.take(by, "a", 1, 0, "b}:c")->replayed);
}

TEST_CASE("window: a refund gives back at most what was taken in the current window", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(10, span::month);
    REQUIRE(fleet.refund(by, "alice", 3).cells == 0);
    REQUIRE(fleet.to.command({"EXISTS", "w:{test:alice}"}) == redis::value{std::int64_t{0}});
    REQUIRE(fleet.take(by, "alice", 4)->granted);
    REQUIRE(fleet.refund(by, "alice", 3).cells == 3);
    const auto rest = fleet.refund(by, "alice", 3);
    REQUIRE(rest.cells == 1);
    REQUIRE(rest.after.remaining == 10);
    REQUIRE(rest.after.reset_us == 0);
}

TEST_CASE("window: undoing a take gives back only in the window that it was taken in", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(10, span::month);
    fleet.undo(by, "alice", 1, by.windows->around(fleet.now()));
    REQUIRE(fleet.to.command({"EXISTS", "w:{test:alice}"}) == redis::value{std::int64_t{0}});
    REQUIRE(fleet.take(by, "alice", 7)->granted);
    const auto taken_in = fleet.in;
    fleet.undo(by, "alice", 3, taken_in);
    REQUIRE(fleet.peek(by, "alice").after.remaining == 6);
    REQUIRE(*fleet.to.command({"PTTL", "w:{test:alice}"}).integer() > 0);
    fleet.undo(by, "alice", 4, by.windows->around(taken_in.begin_us - 1));
    REQUIRE(fleet.peek(by, "alice").after.remaining == 6);
}

TEST_CASE("window: forgetting a key gives it its whole limit again", "[limiter]")
{
    window_stores fleet{1};
    const auto by = make(10, span::month);
    REQUIRE(fleet.take(by, "alice", 10)->granted);
    REQUIRE(fleet.to.get(fleet.all[0]->windows.forget(by, "alice", boot_time::max())).has_value());
    REQUIRE(fleet.take(by, "alice", 10)->granted);
}

TEST_CASE("window: a changed limit holds at once, and for workers that do not know it yet", "[limiter]")
{
    window_stores fleet{2};
    const auto old = make(10, span::month, 1);
    const auto lowered = make(5, span::month, 2);
    const auto raised = make(20, span::month, 3);
    REQUIRE(fleet.take(old, "alice", 8)->granted);
    const auto refused = fleet.take(lowered, "alice", 1, 1);
    REQUIRE_FALSE(refused->granted);
    REQUIRE(refused->after.remaining == 0);
    REQUIRE_FALSE(fleet.take(old, "alice", 1, 0)->granted);
    REQUIRE(fleet.take(raised, "alice", 12, 1)->granted);
    REQUIRE_FALSE(fleet.take(raised, "alice", 1, 1)->granted);
}

TEST_CASE("window: another length or zone begins at nothing once, unless the windows begin together", "[limiter]")
{
    window_stores fleet{2};
    const auto month = make(10, span::month, 1);
    const auto shifted = make(10, span::month, 2, "Asia/Kathmandu");
    REQUIRE(fleet.take(month, "alice", 10)->granted);
    REQUIRE(fleet.take(shifted, "alice", 10, 1)->granted);
    // Else workers of two versions would begin anew in turn.
    REQUIRE_FALSE(fleet.take(month, "alice", 1, 0)->granted);
    REQUIRE_FALSE(fleet.take(shifted, "alice", 1, 1)->granted);

    const auto day = make(10, span::day, 3);
    const auto begin = day.windows->around(fleet.now()).begin_us;
    const counter stored{
        .in = {.begin_us = begin, .end_us = fleet.now() + 60 * second}, .taken = 9, .limit = 10, .version = 1};
    fleet.to.command({"SET", "w:{test:bob}", bytes_of(stored)});
    const auto made = fleet.take(day, "bob", 1);
    REQUIRE(made->after.remaining == (begin == fleet.in.begin_us ? 0 : 9));
}

TEST_CASE("window: a script that runs after its caller gave up takes nothing", "[limiter]")
{
    window_stores fleet{1, 200ms};
    const auto by = make(10, span::month);
    REQUIRE(fleet.take(by, "alice", 1)->granted);
    fleet.server.signal(SIGSTOP);
    const auto unheard = fleet.take(by, "alice", 5);
    fleet.server.signal(SIGCONT);
    REQUIRE(unheard.error() == errc::redis_outcome_unknown);
    result<outcome> after = errc::redis_unavailable;
    while (after.has_error()) after = fleet.to.get(fleet.all[0]->windows.peek(by, "alice", 1, boot_time::max()));
    REQUIRE(after->after.remaining == 9);
}
