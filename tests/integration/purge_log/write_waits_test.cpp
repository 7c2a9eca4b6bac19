// Who waits for a transaction of the database to be purged, on the real Redis.

#include "common/purge_log/write_waits.hpp"

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/integration/purge_log/fleet.hpp"

using namespace shoal;
using namespace shoal::coherence;
using namespace shoal::test;
using namespace std::chrono_literals;

namespace {

/// Longer than a test waits.
constexpr auto long_enough = 5min;

void say(purge_fleet& in, const std::string& field, const std::string& position)
{
    (void)in.command({"HSET", "{cache}:purge:relay", field, position});
}

/// What becomes of those who wait at the first worker.
class waiters {
public:
    explicit waiters(purge_fleet& in) : in_{in} {}

    void add(effect wanted, const std::string& token, std::chrono::nanoseconds time = long_enough)
    {
        became_.push_back(std::make_shared<std::optional<bool>>());
        in_.spawn(0, keep(in_.at(0).reach(wanted, *read_write_token(token), boot_clock::now() + time), became_.back()));
    }
    [[nodiscard]] const std::optional<bool>& operator[](std::size_t which) const { return *became_[which]; }
    void until(std::size_t which)
    {
        in_.until([&] { return became_[which]->has_value(); });
    }

private:
    static boost::asio::awaitable<void> keep(boost::asio::awaitable<bool> task,
                                             std::shared_ptr<std::optional<bool>> into)
    {
        *into = co_await std::move(task);
    }

    purge_fleet& in_;
    std::vector<std::shared_ptr<std::optional<bool>>> became_;
};

std::int64_t calls_of(purge_fleet& in, const std::string& command)
{
    const auto info = *in.command({"INFO", "commandstats"}).text();
    const auto line = info.find("cmdstat_" + command + ":calls=");
    if (line == std::string::npos) return 0;
    return std::stoll(info.substr(info.find('=', line) + 1));
}

}  // namespace

TEST_CASE("write waits: a position is reached when the relay says so, of purges or of views", "[cache][purge]")
{
    purge_fleet fleet{1};
    waiters all{fleet};
    all.add(effect::purges, "0/20");
    all.add(effect::purges, "0/21");
    all.add(effect::views, "0/20");
    say(fleet, "purged", "0/20");
    all.until(0);
    CHECK(*all[0]);
    CHECK_FALSE(all[1]);
    CHECK_FALSE(all[2]);
    say(fleet, "viewed", "0/20");
    all.until(2);
    CHECK(*all[2]);
    say(fleet, "purged", "1/0");
    all.until(1);
    CHECK(*all[1]);
    // Known already: no time is needed.
    CHECK(fleet.await(0, fleet.at(0).reach(effect::purges, *read_write_token("1/0"), boot_time::min())));
}

TEST_CASE("write waits: nobody waits longer than wanted", "[cache][purge]")
{
    purge_fleet fleet{1};
    waiters all{fleet};
    all.add(effect::purges, "0/20", 50ms);
    all.add(effect::purges, "no-such-token", 50ms);
    const auto began = boot_clock::now();
    all.until(0);
    all.until(1);
    CHECK_FALSE(*all[0]);
    CHECK_FALSE(*all[1]);
    CHECK(boot_clock::now() - began < 10s);
}

TEST_CASE("write waits: a token is reached once its transaction is, wherever that ends", "[cache][purge]")
{
    purge_fleet fleet{1};
    waiters all{fleet};
    say(fleet, "purged", "0/20");
    all.add(effect::purges, "mine");
    all.add(effect::purges, "mine");
    all.add(effect::purges, "theirs");
    (void)fleet.command({"SET", "{cache}:token:theirs", "0/30"});
    // Found out meanwhile, and not purged.
    fleet.until([&, looked = boot_time::min()]() mutable {
        if (looked == boot_time::min()) looked = boot_clock::now();
        return boot_clock::now() > looked + 50ms;
    });
    CHECK_FALSE(all[2]);
    (void)fleet.command({"SET", "{cache}:token:mine", "0/20"});
    all.until(0);
    all.until(1);
    CHECK((*all[0] && *all[1]));
    CHECK_FALSE(all[2]);
    say(fleet, "purged", "0/30");
    all.until(2);
    CHECK(*all[2]);
}

TEST_CASE("write waits: many share the questions", "[cache][purge]")
{
    purge_fleet fleet{1};
    waiters all{fleet};
    constexpr std::size_t many = 500;
    const auto began = boot_clock::now();
    const auto before = calls_of(fleet, "mget");
    for (std::size_t i = 0; i < many; ++i) all.add(effect::purges, i % 2 == 0 ? "0/20" : "token-" + std::to_string(i));
    fleet.until([&] { return boot_clock::now() > began + 60ms; });
    for (std::size_t i = 1; i < many; i += 2)
        (void)fleet.command({"SET", "{cache}:token:token-" + std::to_string(i), "0/20"});
    say(fleet, "purged", "0/20");
    for (std::size_t i = 0; i < many; ++i) {
        all.until(i);
        CHECK(*all[i]);
    }
    const auto asked = calls_of(fleet, "mget") - before;
    CHECK(asked >= 2);
    CHECK(asked <= (boot_clock::now() - began) / 10ms + 2);
}

TEST_CASE("write waits: too many different tokens are not waited for", "[cache][purge]")
{
    purge_fleet fleet{1};
    waiters all{fleet};
    for (std::size_t i = 0; i <= 1'000; ++i) all.add(effect::purges, "token-" + std::to_string(i));
    all.until(1'000);
    CHECK_FALSE(*all[1'000]);
    CHECK_FALSE(all[0]);
    // Those that are over make room.
    (void)fleet.command({"SET", "{cache}:token:token-7", "0/20"});
    say(fleet, "purged", "0/20");
    all.until(7);
    all.add(effect::purges, "another");
    (void)fleet.command({"SET", "{cache}:token:another", "0/20"});
    all.until(1'001);
    CHECK(*all[1'001]);
}

TEST_CASE("write waits: without a lease nobody waits, and those that do go on when it is lost", "[cache][purge]")
{
    purge_fleet fleet{1};
    waiters all{fleet};
    say(fleet, "purged", "0/20");
    fleet.until([&] { return fleet.at(0).purged() != 0; });
    all.add(effect::purges, "0/30");
    fleet.server.signal(SIGSTOP);
    all.until(0);
    CHECK_FALSE(*all[0]);
    CHECK_FALSE(fleet.at(0).current(boot_clock::now()));
    all.add(effect::purges, "0/30");
    all.until(1);
    CHECK_FALSE(*all[1]);
    fleet.server.signal(SIGCONT);
}

TEST_CASE("write waits: whoever waits goes on when the worker stops", "[cache][purge]")
{
    purge_fleet fleet{1};
    waiters all{fleet};
    all.add(effect::purges, "0/30");
    fleet.at(0).stop();
    all.until(0);
    CHECK_FALSE(*all[0]);
}
