// The purge log when Redis is away, restarts, or loses what it had.

#include "common/purge_log/purge_log.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "common/coherence/tags.hpp"
#include "tests/integration/purge_log/fleet.hpp"

using namespace shoal;
using namespace shoal::coherence;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

constexpr tag some = 0x1234'5678'9abc'def0;
constexpr tag other = 0x0fed'cba9'8765'4321;

bool all_in(purge_fleet& of, std::uint64_t newer_than)
{
    for (std::size_t i = 0; i < of.size(); ++i)
        if (of.at(i).position().epoch <= newer_than || !of.at(i).current(boot_clock::now())) return false;
    return true;
}

void require_void(purge_fleet& of, const stamp& stored)
{
    for (std::size_t i = 0; i < of.size(); ++i) REQUIRE(of.at(i).judge(stored, std::vector{some}) == standing::purged);
}

/// Cuts so many of the last bytes that Redis wrote, as a machine does that fails.
void cut_append_only_file(const redis_server& of, std::uintmax_t bytes)
{
    for (const auto& each : std::filesystem::recursive_directory_iterator{of.folder()}) {
        if (!each.path().string().ends_with(".incr.aof")) continue;
        REQUIRE(each.file_size() > bytes);
        std::filesystem::resize_file(each.path(), each.file_size() - bytes);
        return;
    }
    FAIL("there is no append-only file");
}

}  // namespace

TEST_CASE("purge epochs: without Redis nothing is current for longer than a lease, and a purge fails", "[cache][purge]")
{
    purge_fleet fleet{2};
    const auto stored = fleet.at(0).position();
    fleet.server.kill();
    const auto gone = short_lease.fenced(boot_clock::now());
    fleet.until([&] { return !fleet.at(0).current(boot_clock::now()) && !fleet.at(1).current(boot_clock::now()); });
    CHECK(boot_clock::now() < gone);
    const auto made = fleet.purge(0, {some});
    REQUIRE(made.has_error());
    CHECK(made.error() == errc::redis_unavailable);

    fleet.server.start();
    fleet.until([&] { return all_in(fleet, stored.epoch); });
    require_void(fleet, stored);
    CHECK(fleet.metric(0, "shoal_cache_epochs_total") == "shoal_cache_epochs_total 2");
}

TEST_CASE("purge epochs: a server that lost its last writes is another epoch, however many follow", "[cache][purge]")
{
    purge_fleet fleet{2};
    fleet.settle();
    for (int i = 0; i < 10; ++i) fleet.purged(0, {other});
    const auto stored = fleet.at(0).position();
    fleet.purged(0, {some});
    fleet.pause(1);
    fleet.server.kill();
    cut_append_only_file(fleet.server, 700);
    fleet.server.start();
    // Now the log is longer than it was: the hole can't be seen by its length.
    fleet.until([&] { return fleet.at(0).position().epoch > stored.epoch; });
    for (int i = 0; i < 15; ++i) fleet.purged(0, {other + 1});
    fleet.resume(1);
    fleet.until([&] { return all_in(fleet, stored.epoch); });
    require_void(fleet, stored);
}

TEST_CASE("purge epochs: a server without its data is another epoch", "[cache][purge]")
{
    const std::string lost =
        GENERATE("FLUSHALL", "DEL {cache}:purge:head", "DEL {cache}:purge:log", "DEL {cache}:purge:table");
    CAPTURE(lost);
    purge_fleet fleet{2};
    fleet.purged(0, {other});
    const auto stored = fleet.at(0).position();
    fleet.server.ask(lost);
    fleet.until([&] { return all_in(fleet, stored.epoch); });
    require_void(fleet, stored);
    CHECK(fleet.at(0).position() == fleet.at(1).position());
    const auto made = fleet.purged(1, {some});
    CHECK(made.at == stamp{fleet.at(0).position().epoch, 1});
}

TEST_CASE("purge epochs: in a new epoch reports count only when every older lease has run out", "[cache][purge]")
{
    purge_fleet fleet{2};
    fleet.settle();
    CHECK(fleet.purged(0, {some}).took < short_lease.lasts);
    const auto old = fleet.at(0).position().epoch;
    // Worker 1 holds a lease that Redis knows nothing of any more.
    fleet.until_current(1);
    fleet.pause(1);
    fleet.server.ask("FLUSHALL");
    const auto made = fleet.purged(0, {some});
    CHECK(made.at.epoch > old);
    CHECK(made.confirmed.size() + made.fenced.size() <= 1);
    CHECK_FALSE(fleet.at(1).current(boot_clock::now()));
    CHECK(made.took >= short_lease.lasts);
}

TEST_CASE("purge epochs: who knows a newer epoch than the server forces another one", "[cache][purge]")
{
    purge_fleet fleet{1};
    const auto stored = fleet.at(0).position();
    auto calls = fleet.calls(0);
    const auto newer = stored.epoch + 3'600'000'000;
    const auto head = fleet.await(0, calls.head(newer));
    REQUIRE(head.has_value());
    CHECK(head.value().head.epoch > newer);
    CHECK(head.value().head.sequence == 0);
    fleet.until([&] { return all_in(fleet, newer); });
    require_void(fleet, stored);
}

TEST_CASE("purge epochs: one ends before its sequences do not fit into the table", "[cache][purge]")
{
    purge_fleet fleet{1};
    fleet.purged(0, {other});
    const auto stored = fleet.at(0).position();
    fleet.server.ask("HSET {cache}:purge:head sequence 4294967294");
    // The last that fits; the worker sees a gap and loads the table.
    CHECK(fleet.purged(0, {some}).at == stamp{stored.epoch, 4'294'967'295});
    fleet.until([&] { return fleet.at(0).position().epoch > stored.epoch; });
    require_void(fleet, stored);
    const auto made = fleet.purged(0, {some});
    CHECK(made.at.epoch > stored.epoch);
    CHECK(made.at.sequence == 1);
}
