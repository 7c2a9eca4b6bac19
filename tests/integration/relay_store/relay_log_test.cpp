#include "services/relay/store/relay_log.hpp"

#include <catch2/catch.hpp>

#include "tests/integration/relay_store/world.hpp"

using namespace shoal;
using namespace shoal::test;

namespace {

constexpr auto* hard = "\0\0\0\1";
const std::string one_bucket{hard, 4};

}  // namespace

TEST_CASE("relay log: who owns it first knows nothing of a relay before", "[relay]")
{
    relay_world world{1};
    const auto before = world.own(0);
    CHECK(before.source.empty());
    CHECK(before.position.empty());
    CHECK(world.at(0).epoch() > 0);
    CHECK(world.entries() == 0);
}

TEST_CASE("relay log: nothing is written before the fence is taken", "[relay]")
{
    relay_world world{1};
    CHECK(world.is_fenced(0));
    CHECK(world.entries() == 0);
    CHECK(world.noted("source").empty());
    (void)world.own(0);
    CHECK_FALSE(world.is_fenced(0));
}

TEST_CASE("relay log: what the relay before was attached to, and how far, is told to the next", "[relay]")
{
    relay_world world{2};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("7/1/shop/shoal", "0/10", "7/1/shop/shoal")).has_value());
    REQUIRE(world.await(world.at(0).beat({.claim = 0, .position = "0/20", .purged = ""})).has_value());
    const auto before = world.own(1);
    CHECK(before.source == "7/1/shop/shoal");
    CHECK(before.position == "0/20");
    REQUIRE(world.await(world.at(1).attach(before.source, before.position, before.source)).has_value());
    // A beat without a position is about time alone.
    REQUIRE(world.await(world.at(1).beat({.claim = 0, .position = "", .purged = ""})).has_value());
    CHECK(world.noted("position") == "0/20");
}

TEST_CASE("relay log: of views the source is told only once they are known to be of it", "[relay]")
{
    relay_world world{2};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("first", "0/10", "first")).has_value());
    REQUIRE(world.await(world.at(0).attach("second", "0/20", "")).has_value());
    const auto before = world.own(1);
    CHECK(before.source == "second");
    CHECK(before.views_source.empty());
}

TEST_CASE("relay log: a relay that lost its slot writes nothing, and takes nothing back", "[relay]")
{
    relay_world world{2};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("first", "0/10", "first")).has_value());
    REQUIRE(world.await(world.at(0).purge(one_bucket, "", {})).has_value());
    (void)world.own(1);
    REQUIRE(world.await(world.at(1).attach("second", "0/20", "second")).has_value());
    REQUIRE(world.await(world.at(1).beat({.claim = 5, .position = "0/30", .purged = ""})).has_value());

    CHECK(world.is_fenced(0));
    CHECK(world.entries() == 1);
    CHECK(world.noted("source") == "second");
    CHECK(world.noted("position") == "0/30");
    CHECK(world.noted("claim") == "5");
    // The other way round once it has the slot again.
    (void)world.own(0);
    CHECK_FALSE(world.at(0).fenced());
    REQUIRE(world.await(world.at(0).purge(one_bucket, "", {})).has_value());
    CHECK(world.is_fenced(1));
    CHECK(world.entries() == 2);
}

TEST_CASE("relay log: owning twice is two fences, of which the second holds", "[relay]")
{
    relay_world world{1};
    (void)world.own(0);
    const auto first = std::stoull(world.noted("fence"));
    (void)world.own(0);
    CHECK(std::stoull(world.noted("fence")) > first);
    CHECK_FALSE(world.is_fenced(0));
}

TEST_CASE("relay log: a fence grows although Redis' clock went back", "[relay]")
{
    relay_world world{2};
    (void)world.own(0);
    const std::string ahead = "9000000000000000";
    world.server.ask("HSET {cache}:purge:relay fence " + ahead);
    (void)world.own(1);
    CHECK(world.noted("fence") == "9000000000000001");
    CHECK(world.is_fenced(0));
    CHECK_FALSE(world.is_fenced(1));
}

TEST_CASE("relay log: a purge is one entry with both kinds", "[relay]")
{
    relay_world world{1};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).purge(one_bucket, std::string{"\0\0\0\2", 4}, {})).has_value());
    CHECK(world.entries() == 1);
    // Up to the soft half of the second bucket.
    CHECK(world.server.ask("STRLEN {cache}:purge:table") == ":24\r");
}

TEST_CASE("relay log: up to where everything is purged is noted with the write that makes it so", "[relay]")
{
    relay_world world{1};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("source", "0/10", "source")).has_value());
    CHECK(world.noted("purged") == "0/10");
    REQUIRE(world.await(world.at(0).purge(one_bucket, "", {"0/20"})).has_value());
    CHECK(world.noted("purged") == "0/20");
    CHECK(world.noted("position") == "0/10");
    REQUIRE(world.await(world.at(0).purge(one_bucket, "", {})).has_value());
    CHECK(world.noted("purged") == "0/20");
    REQUIRE(world.await(world.at(0).beat({.claim = 0, .position = "0/18", .purged = "0/30"})).has_value());
    CHECK(world.noted("purged") == "0/30");
    CHECK(world.noted("position") == "0/18");
    // Of another database's log.
    REQUIRE(world.await(world.at(0).attach("other source", "0/5", "other source")).has_value());
    CHECK(world.noted("purged") == "0/5");
}

TEST_CASE("relay log: tokens are noted with a write, and expire", "[relay]")
{
    relay_world world{2};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).purge("", "", {"0/20", {{"one", "0/10"}, {"two", "0/20"}}})).has_value());
    CHECK(world.value_of("{cache}:token:one") == "0/10");
    CHECK(world.value_of("{cache}:token:two") == "0/20");
    CHECK(world.server.ask("TTL {cache}:token:two") == ":60\r");
    // Who is fenced notes none.
    (void)world.own(1);
    CHECK(world.await(world.at(0).purge("", "", {"0/30", {{"three", "0/30"}}})).has_error());
    CHECK(world.value_of("{cache}:token:three").empty());
}

TEST_CASE("relay log: a beat tells Redis' time, and a claim is noted as it was given", "[relay]")
{
    relay_world world{1};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("source", "0/1", "source")).has_value());
    const auto first = world.await(world.at(0).beat({.claim = 0, .position = "0/1", .purged = ""}));
    REQUIRE(first.has_value());
    CHECK(world.noted("claim").empty());
    const auto second = world.await(world.at(0).beat({.claim = *first, .position = "0/1", .purged = ""}));
    REQUIRE(second.has_value());
    CHECK(*second > *first);
    CHECK(world.noted("claim") == std::to_string(*first));
}

TEST_CASE("relay log: emptied, Redis refuses the relay that was, and knows nothing for the next", "[relay]")
{
    relay_world world{2};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("source", "0/10", "source")).has_value());
    REQUIRE(world.await(world.at(0).purge(one_bucket, "", {})).has_value());
    const auto epoch = world.at(0).epoch();
    world.server.ask("FLUSHALL");
    CHECK(world.is_fenced(0));
    CHECK(world.entries() == 0);
    const auto before = world.own(0);
    CHECK(before.source.empty());
    CHECK(before.position.empty());
    CHECK(world.at(0).epoch() > epoch);
}

TEST_CASE("relay log: with the log alone gone it is another epoch, and what was attached before counts no more",
          "[relay]")
{
    relay_world world{1};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("source", "0/10", "source")).has_value());
    REQUIRE(world.await(world.at(0).purge(one_bucket, "", {})).has_value());
    const auto epoch = world.at(0).epoch();
    world.server.ask("DEL {cache}:purge:log");
    // The fence holds: it goes on in the new epoch.
    REQUIRE(world.await(world.at(0).purge(one_bucket, "", {})).has_value());
    CHECK(world.at(0).epoch() > epoch);
    // A position under the new one would pass for what this server has.
    CHECK(world.await(world.at(0).beat({.claim = 1, .position = "0/20", .purged = "0/20"})).has_error());
    CHECK(world.at(0).fenced());
    CHECK(world.noted("position") == "0/10");
    CHECK(world.noted("claim").empty());
    CHECK(world.own(0).source.empty());
    REQUIRE(world.await(world.at(0).attach("source", "0/10", "source")).has_value());
    REQUIRE(world.await(world.at(0).beat({.claim = 1, .position = "0/20", .purged = "0/20"})).has_value());
    CHECK_FALSE(world.at(0).fenced());
    CHECK(world.own(0).position == "0/20");
}

TEST_CASE("relay log: after a restart of Redis the fence holds, and what was attached counts no more", "[relay]")
{
    relay_world world{2};
    (void)world.own(0);
    (void)world.own(1);
    REQUIRE(world.await(world.at(1).attach("source", "0/10", "source")).has_value());
    const auto epoch = world.at(1).epoch();
    world.server.shut_down();
    CHECK(world.await(world.at(1).purge(one_bucket, "", {})).has_error());
    CHECK_FALSE(world.at(1).fenced());
    world.server.start();
    world.until_connected();
    CHECK(world.is_fenced(0));
    REQUIRE(world.await(world.at(1).purge(one_bucket, "", {})).has_value());
    CHECK(world.at(1).epoch() > epoch);
    CHECK(world.own(1).source.empty());
}
