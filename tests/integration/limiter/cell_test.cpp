// cell.lua on the real Redis: that it computes what gcra.cpp does, and what it promises besides.

#include "tests/integration/limiter/fleet_of_stores.hpp"
#include "tests/unit/limiter/bound.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>

using namespace shoal;
using namespace shoal::limiter;
using namespace std::chrono_literals;
using test::fleet_of_stores;

namespace {

constexpr std::int64_t second = 1'000'000;

rule make(std::int64_t limit, std::int64_t period_us, std::int64_t burst, std::int64_t version = 1)
{
    rule made;
    made.name = "test";
    made.limit = limit;
    made.period_us = period_us;
    made.decide = make_rate(limit, period_us, burst);
    made.max_cost = burst;
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

/// A cell as the script packs it, on a little-endian machine.
std::string packed(const cell& of, const rate& by, std::int64_t version)
{
    std::string bytes;
    append(bytes, static_cast<double>(of.base_us));
    append(bytes, static_cast<double>(by.period_us));
    append(bytes, static_cast<double>(version));
    append(bytes, static_cast<std::uint32_t>(of.taken));
    append(bytes, static_cast<std::uint32_t>(by.limit));
    append(bytes, static_cast<std::uint32_t>(by.burst));
    append(bytes, of.returned);
    append(bytes, of.generation);
    return bytes;
}

class dice {
public:
    std::int64_t between(std::int64_t least, std::int64_t most)
    {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random_);
    }
    rule any_rule(std::int64_t version)
    {
        const auto limit = between(0, 1) != 0 ? between(1, 100) : between(1, 10'000'000);
        const auto period = between(0, 1) != 0 ? between(1, 3600) * second : between(1000, 366 * 86400 * second);
        const auto cells_in_a_year = 3.1e13 * static_cast<double>(limit) / static_cast<double>(period);
        const auto most = std::min({10'000'000.0, 2.0 * static_cast<double>(limit), cells_in_a_year});
        return make(limit, period, between(1, std::max<std::int64_t>(1, static_cast<std::int64_t>(most))), version);
    }
    [[nodiscard]] unsigned seed() const { return seed_; }

private:
    unsigned seed_ = std::random_device{}();
    std::mt19937_64 random_{seed_};
};

/// What gcra.cpp makes of a stored cell of version 1 under a rule of version 2.
decision expected(const cell& stored, const rate& from, const rule& by, ask asked, std::int64_t now_us)
{
    asked.settles.reset();
    const bool same = from.period_us == by.decide.period_us && from.limit == by.decide.limit;
    if (same) return decide(by.decide, stored, asked, now_us);
    const auto converted = convert(stored, from, by.decide, now_us);
    auto made = decide(by.decide, converted, asked, now_us);
    made.changed = made.changed || converted.taken > 0 || converted.base_us != now_us;
    return made;
}

/// One cell of version 1 in Redis and what gcra.cpp says of it, step by step.
class twin {
public:
    twin(fleet_of_stores& fleet, rule by, std::string key)
        : fleet_{fleet}, by_{std::move(by)}, key_{std::move(key)}, redis_key_{"c:{test:" + key_ + "}"}
    {
    }

    decision step(const ask& asked)
    {
        const auto made = fleet_.run(by_, key_, asked);
        REQUIRE(made.has_value());
        const auto& heard = made->heard;
        // Redis forgets an empty cell within a millisecond or two; the next one is of another generation.
        const bool empty = stored_ && settle(by_.decide, stored_, heard.now_us).taken == 0;
        if (empty && heard.made.after.generation == static_cast<std::uint32_t>(heard.now_us)) stored_.reset();
        const auto wanted = decide(by_.decide, stored_, asked, heard.now_us);
        CAPTURE(by_.limit, by_.period_us, by_.decide.burst, asked.cost, asked.wanted, asked.refund, heard.now_us,
                asked.settles.has_value(), stored_.has_value());
        CAPTURE(heard.made.after.base_us, wanted.after.base_us, heard.made.after.taken, wanted.after.taken);
        CAPTURE(heard.made.after.returned, wanted.after.returned, heard.made.alone, wanted.alone);
        REQUIRE(heard.made.granted == wanted.granted);
        REQUIRE(heard.made.after == wanted.after);
        REQUIRE(heard.made.before == wanted.before);
        REQUIRE(heard.made.cells == wanted.cells);
        REQUIRE(heard.made.refunded == wanted.refunded);
        REQUIRE(heard.made.returned == wanted.returned);
        REQUIRE(heard.made.alone == wanted.alone);
        REQUIRE(heard.made.leased == wanted.leased);
        REQUIRE(heard.version == 1);
        if (wanted.changed) {
            stored_ = wanted.after;
            const auto kept = fleet_.command({"GET", redis_key_});
            if (kept->text() != nullptr) REQUIRE(*kept->text() == packed(*stored_, by_.decide, 1));
        }
        return wanted;
    }

private:
    fleet_of_stores& fleet_;
    rule by_;
    std::string key_;
    std::string redis_key_;
    std::optional<cell> stored_;
};

/// Takes by one call of the script, past what the store remembers.
result<ruling> take(fleet_of_stores& fleet, const rule& by, const std::string& key, std::int64_t cost,
                    std::size_t worker = 0)
{
    const auto made = fleet.run(by, key, {.cost = cost}, worker);
    if (made.has_error()) return made.error();
    return made->heard;
}

boost::asio::awaitable<void> take_and_count(cell_store& at, const rule& by, std::string key, int& ended, int& admitted)
{
    std::string tag;
    cell_store::append_tag(tag, by, key);
    const auto made = co_await at.run(tag, by, {.cost = 1}, boot_time::max());
    ++ended;
    if (made && made->heard.made.granted) ++admitted;
}

boost::asio::awaitable<void> take_until(cell_store& at, const rule& by, std::string key, std::int64_t cost,
                                        boot_time end, std::vector<std::int64_t>& admitted, int& running)
{
    ++running;
    std::string tag;
    cell_store::append_tag(tag, by, key);
    while (boot_clock::now() < end) {
        const auto made = co_await at.run(tag, by, {.cost = cost}, boot_time::max());
        if (made && made->heard.made.granted)
            admitted.insert(admitted.end(), static_cast<std::size_t>(cost), made->heard.now_us);
    }
    --running;
}

}  // namespace

TEST_CASE("cell.lua: computes what gcra.cpp computes, to the last cell", "[limiter][property]")
{
    dice random;
    CAPTURE(random.seed());
    fleet_of_stores fleet{1};
    const auto now = take(fleet, make(1, second, 1), "clock", 0)->now_us;
    for (int round = 0; round < 3000; ++round) {
        const auto by = random.any_rule(2);
        const auto from = random.between(0, 2) != 0
                              ? make(by.limit, by.period_us, random.between(1, by.decide.burst), 1)
                              : random.any_rule(1);
        const auto reach = static_cast<std::int64_t>(2 * static_cast<double>(from.decide.burst) *
                                                     static_cast<double>(from.decide.period_us) /
                                                     static_cast<double>(from.decide.limit)) +
                           2;
        const cell stored{.base_us = now - random.between(-reach / 4, reach),
                          .taken = random.between(0, from.decide.limit + from.decide.burst),
                          .returned = static_cast<std::uint32_t>(random.between(0, UINT32_MAX)),
                          .generation = static_cast<std::uint32_t>(random.between(0, UINT32_MAX))};
        const ask asked{.refund = random.between(0, 3) == 0 ? random.between(1, by.decide.burst) : 0,
                        .cost = random.between(0, by.decide.burst),
                        .crowd = random.between(1, by.decide.burst),
                        .wanted = random.between(0, by.decide.burst)};
        const std::string key = "k" + std::to_string(round);
        REQUIRE(fleet.command({"SET", "c:{test:" + key + "}", packed(stored, from.decide, 1)}).has_value());

        const auto made = fleet.run(by, key, asked);
        REQUIRE(made.has_value());
        const auto& heard = made->heard;
        const auto wanted = expected(stored, from.decide, by, asked, heard.now_us);
        CAPTURE(round, by.limit, by.period_us, by.decide.burst, from.limit, from.period_us, stored.base_us,
                stored.taken, asked.cost, asked.wanted, asked.refund, heard.now_us, wanted.after.base_us,
                wanted.after.taken);
        REQUIRE(heard.made.granted == wanted.granted);
        REQUIRE(heard.made.cells == wanted.cells);
        REQUIRE(heard.made.refunded == wanted.refunded);
        REQUIRE(heard.made.before == wanted.before);
        REQUIRE(heard.made.after == wanted.after);
        REQUIRE(heard.judged == by.decide);
        const auto kept = fleet.command({"GET", "c:{test:" + key + "}"});
        if (!wanted.changed)
            REQUIRE(*kept->text() == packed(stored, from.decide, 1));
        else if (kept->text() != nullptr)
            REQUIRE(*kept->text() == packed(wanted.after, by.decide, 2));
        else
            REQUIRE(standing_of(by.decide, wanted.after, 1, heard.now_us).reset_us < 5000);
    }
}

TEST_CASE("cell.lua: leases, gives back and refunds as gcra.cpp does, one after the other", "[limiter][property]")
{
    dice random;
    CAPTURE(random.seed());
    fleet_of_stores fleet{1};
    for (int round = 0; round < 150; ++round) {
        const auto by = make(random.between(100, 100'000), second, random.between(1, 20'000), 1);
        twin both{fleet, by, "k" + std::to_string(round)};
        std::vector<settlement> leases;
        for (int i = 0; i < 25; ++i) {
            ask asked{.cost = random.between(0, std::min<std::int64_t>(by.decide.burst, 40))};
            asked.crowd = random.between(0, 2) != 0 ? 1 : asked.cost + random.between(1, 200);
            asked.wanted = random.between(0, 2) != 0 ? asked.cost * 2 + random.between(1, 2000) : 0;
            if (random.between(0, 5) == 0) asked.refund = random.between(1, by.decide.burst);
            if (!leases.empty() && random.between(0, 2) != 0) {
                const auto which = static_cast<std::size_t>(
                    random.between(random.between(0, 1) != 0 ? static_cast<std::int64_t>(leases.size()) - 1 : 0,
                                   static_cast<std::int64_t>(leases.size()) - 1));
                asked.settles = leases[which];
                leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(which));
            }
            const auto made = both.step(asked);
            if (made.cells > 0)
                leases.push_back({.before = made.before,
                                  .after = made.after,
                                  .granted = made.cells,
                                  .unspent = random.between(0, made.cells - asked.cost),
                                  .version = 1});
        }
    }
}

TEST_CASE("cell.lua: 400 at once by four workers on a fresh key admit exactly the burst", "[limiter]")
{
    fleet_of_stores fleet{4};
    const auto [limit, period, burst] = GENERATE(table<std::int64_t, std::int64_t, std::int64_t>(
        {{10, 60 * second, 10}, {5, 3600 * second, 5}, {3, 100 * second, 100}}));
    const auto by = make(limit, period, burst);
    int ended = 0;
    int admitted = 0;
    for (std::size_t i = 0; i < 400; ++i)
        fleet.spawn(take_and_count(fleet.cells(i % fleet.size()), by, "alice", ended, admitted));
    fleet.until([&ended] { return ended == 400; });
    REQUIRE(admitted == burst);
}

TEST_CASE("cell.lua: never more than burst + rate * T in any interval, with several workers", "[limiter][property]")
{
    dice random;
    CAPTURE(random.seed());
    fleet_of_stores fleet{3};
    for (int round = 0; round < 5; ++round) {
        const auto by = make(random.between(20, 3000), second, random.between(1, 30));
        std::vector<std::int64_t> admitted;
        int running = 0;
        const auto end = boot_clock::now() + 300ms;
        const std::string key = "bound" + std::to_string(round);
        for (std::size_t i = 0; i < 6; ++i)
            fleet.spawn(take_until(fleet.cells(i % 3), by, key,
                                   random.between(1, std::min<std::int64_t>(2, by.max_cost)), end, admitted, running));
        fleet.until([&] { return running == 0 && boot_clock::now() >= end; });
        std::sort(admitted.begin(), admitted.end());
        REQUIRE_FALSE(admitted.empty());
        test::require_bound(by.decide, admitted);
    }
}

TEST_CASE("cell.lua: a refusal and a peek store nothing", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make(10, 60 * second, 10);
    REQUIRE(take(fleet, by, "alice", 0)->made.granted);
    REQUIRE(fleet.command({"EXISTS", "c:{test:alice}"}).value() == redis::value{std::int64_t{0}});
    REQUIRE(take(fleet, by, "alice", 10)->made.granted);
    const auto before = fleet.command({"GET", "c:{test:alice}"}).value();
    for (int i = 0; i < 50; ++i) REQUIRE_FALSE(take(fleet, by, "alice", 1)->made.granted);
    const auto peek = take(fleet, by, "alice", 0);
    REQUIRE(standing_of(by.decide, peek->made.after, 1, peek->now_us).remaining == 0);
    REQUIRE(fleet.command({"GET", "c:{test:alice}"}).value() == before);
}

TEST_CASE("cell.lua: a cell expires when it is empty, not before", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make(10, 60 * second, 10);
    REQUIRE(take(fleet, by, "alice", 3)->made.granted);
    const auto left = *fleet.command({"PTTL", "c:{test:alice}"})->integer();
    REQUIRE(left > 17'000);
    REQUIRE(left <= 18'002);
}

TEST_CASE("cell.lua: forgetting a key gives it its whole burst again", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto by = make(10, 60 * second, 10);
    REQUIRE(take(fleet, by, "alice", 10)->made.granted);
    REQUIRE_FALSE(take(fleet, by, "alice", 1)->made.granted);
    REQUIRE(fleet.forget(by, "alice").has_value());
    REQUIRE(take(fleet, by, "alice", 10)->made.granted);
}

TEST_CASE("cell.lua: a worker with an older version of the rule is judged by the newer", "[limiter]")
{
    fleet_of_stores fleet{2};
    const auto old = make(100, 60 * second, 100, 1);
    const auto lowered = make(10, 60 * second, 10, 2);
    REQUIRE(take(fleet, old, "alice", 5, 0)->made.granted);
    REQUIRE(take(fleet, lowered, "alice", 1, 1)->made.granted);
    const auto late = take(fleet, old, "alice", 10, 0);
    REQUIRE_FALSE(late->made.granted);
    REQUIRE(late->judged == lowered.decide);
    // What was owed under the old rule is owed under the new one: 5 cells and 1 of 10.
    REQUIRE(take(fleet, lowered, "alice", 4, 1)->made.granted);
    REQUIRE_FALSE(take(fleet, lowered, "alice", 1, 1)->made.granted);
}

TEST_CASE("cell.lua: who waits as long as a newer rule tells is admitted, though it was refused before", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto slow = make(1, 3600 * second, 1, 1);
    const auto fast = make(20, second, 1, 2);
    REQUIRE(take(fleet, slow, "alice", 1)->made.granted);
    const auto refused = take(fleet, fast, "alice", 1);
    REQUIRE_FALSE(refused->made.granted);
    const auto told = standing_of(refused->judged, refused->made.after, 1, refused->now_us);
    REQUIRE(told.retry_after_us == second / 20);
    auto after = take(fleet, fast, "alice", 0);
    while (after->now_us < refused->now_us + told.retry_after_us) after = take(fleet, fast, "alice", 0);
    REQUIRE(take(fleet, fast, "alice", 1)->made.granted);
}

TEST_CASE("cell.lua: workers with different bursts under one version do not cut each other's debts", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto large = make(100, 3600 * second, 100);
    const auto small = make(100, 3600 * second, 10);
    REQUIRE(take(fleet, large, "alice", 100)->made.granted);
    REQUIRE_FALSE(take(fleet, small, "alice", 1)->made.granted);
    REQUIRE_FALSE(take(fleet, large, "alice", 1)->made.granted);
}

TEST_CASE("cell.lua: a cell from a far future is converted like any other", "[limiter]")
{
    fleet_of_stores fleet{1};
    const auto from = make(10'000'000, 1000, 10'000'000, 1);
    const auto by = make(10, 60 * second, 10, 2);
    const auto now = take(fleet, by, "clock", 0)->now_us;
    const cell stored{.base_us = now + 400 * 86400 * second, .taken = 1};
    REQUIRE(fleet.command({"SET", "c:{test:alice}", packed(stored, from.decide, 1)}).has_value());
    const auto made = take(fleet, by, "alice", 1);
    REQUIRE(made.has_value());
    REQUIRE_FALSE(made->made.granted);
    REQUIRE(standing_of(made->judged, made->made.after, 1, made->now_us).reset_us == 60 * second);
}

TEST_CASE("cell.lua: a script that runs after its caller gave up takes nothing", "[limiter]")
{
    fleet_of_stores fleet{1, 200ms};
    const auto by = make(10, 3600 * second, 10);
    REQUIRE(take(fleet, by, "alice", 1)->made.granted);
    fleet.server.signal(SIGSTOP);
    const auto unheard = take(fleet, by, "alice", 5);
    fleet.server.signal(SIGCONT);
    REQUIRE(unheard.has_error());
    REQUIRE(unheard.error() == errc::redis_outcome_unknown);
    result<ruling> after = errc::redis_unavailable;
    while (after.has_error()) after = take(fleet, by, "alice", 0);
    REQUIRE(standing_of(after->judged, after->made.after, 1, after->now_us).remaining == 9);
}

TEST_CASE("store: a key may have any character, and rules do not share keys", "[limiter]")
{
    fleet_of_stores fleet{1};
    auto by = make(1, 3600 * second, 1);
    const std::string odd{"} {\0\r\n*3\xC3\xA9", 10};
    REQUIRE(take(fleet, by, odd, 1)->made.granted);
    REQUIRE_FALSE(take(fleet, by, odd, 1)->made.granted);
    by.name = "other";
    REQUIRE(take(fleet, by, odd, 1)->made.granted);
    REQUIRE(take(fleet, by, "", 1)->made.granted);
}
