// Views as the relay's scripts write them.

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

#include "common/views/layout.hpp"
#include "services/relay/store/relay_log.hpp"
#include "services/relay/views/writing.hpp"
#include "tests/integration/relay_store/world.hpp"

using namespace shoal;
using namespace shoal::relay;
using namespace shoal::test;

namespace {

view_definition documents()
{
    view_definition made;
    made.name = "product";
    made.key = {"id"};
    return made;
}

view_definition scores()
{
    auto made = documents();
    made.name = "prices";
    made.is = views::kind::sorted_set;
    made.member = "id";
    made.score = "price";
    return made;
}

view_entry document(std::string key, std::string body)
{
    return {.key = std::move(key), .body = std::move(body), .exists = true};
}

std::string pairs(std::initializer_list<std::string_view> texts)
{
    std::string made;
    for (const auto one : texts) append_packed(made, one);
    return made;
}

std::string text_of(const redis::value& from)
{
    return from.text() != nullptr ? *from.text() : std::string{};
}

/// A relay that is attached.
void attach(relay_world& world, std::size_t which)
{
    (void)world.own(which);
    REQUIRE(world.await(world.at(which).attach("source", "0/10", "source")).has_value());
}

}  // namespace

TEST_CASE("views log: entries, their index, their tags and how far they are come together", "[relay]")
{
    relay_world world{1};
    attach(world, 0);
    view_writing what;
    what.directory("product", {views::kind::document, 7, views::state::ready, world.at(0).epoch()}, 0, "digest");
    what.entry(documents(), 7, document("1", "{}"));
    what.entry(documents(), 7, {.key = "2"});
    what.entry(scores(), 8, {.key = "a", .body = pairs({"1.5", "x", "2", "y"}), .pairs = 2, .exists = true});
    REQUIRE(world.await(world.at(0).write(what, "0/20")).has_value());
    CHECK(world.noted("viewed") == "0/20");
    CHECK(world.entries() == 1);
    CHECK(text_of(world.ask({"GET", "{cache}:view:product:7:1"})) == "{}");
    CHECK(*world.ask({"SCARD", "{cache}:view:product:7"}).integer() == 1);
    CHECK(text_of(world.ask({"ZSCORE", "{cache}:view:prices:8:a", "x"})) == "1.5");
    const auto known = world.await(world.at(0).views());
    REQUIRE(known.has_value());
    CHECK(known->at("product").now->generation == 7);
    CHECK(known->at("product").generation == 7);
    CHECK(known->at("product").digest == "digest");

    view_writing more;
    more.members("prices", 8, {.key = "a", .pairs = pairs({"", "x", "", "y"})});
    more.removed("product", 7);
    REQUIRE(world.await(world.at(0).write(more, "")).has_value());
    CHECK(world.noted("viewed") == "0/20");
    CHECK(*world.ask({"EXISTS", "{cache}:view:prices:8:a", "{cache}:view:prices:8"}).integer() == 0);
    bool left = true;
    for (int i = 0; left && i < 10; ++i) left = *world.await(world.at(0).sweep());
    CHECK_FALSE(left);
    CHECK(*world.ask({"EXISTS", "{cache}:view:product:7:1", "{cache}:view:product:7"}).integer() == 0);
    // It is never given out again.
    CHECK(world.await(world.at(0).views())->at("product").generation == 7);
}

TEST_CASE("views log: a late write of a relay that lost its slot changes nothing", "[relay]")
{
    relay_world world{2};
    attach(world, 0);
    view_writing older;
    older.entry(documents(), 7, document("1", "older"));
    attach(world, 1);
    view_writing newer;
    newer.entry(documents(), 7, document("1", "newer"));
    REQUIRE(world.await(world.at(1).write(newer, "0/30")).has_value());
    CHECK(world.await(world.at(0).write(older, "0/20")).has_error());
    CHECK(world.at(0).fenced());
    CHECK(world.await(world.at(0).stage("{cache}:views:staged:1", views::kind::document, "x")).has_error());
    CHECK(world.await(world.at(0).sweep()).has_error());
    CHECK(text_of(world.ask({"GET", "{cache}:view:product:7:1"})) == "newer");
    CHECK(world.noted("viewed") == "0/30");
}

TEST_CASE("views log: under an epoch that nothing was attached in neither views nor positions are written", "[relay]")
{
    relay_world world{1};
    attach(world, 0);
    // As a server that is another run begins one.
    (void)world.ask({"HSET", "{cache}:purge:head", "run", "another"});
    view_writing what;
    what.entry(documents(), 7, document("1", "{}"));
    CHECK(world.await(world.at(0).write(what, "0/20")).has_error());
    CHECK(world.await(world.at(0).beat({.claim = 5, .position = "0/20", .purged = "0/20", .viewed = "0/20"}))
              .has_error());
    CHECK(*world.ask({"EXISTS", "{cache}:view:product:7:1"}).integer() == 0);
    CHECK(world.noted("position") == "0/10");
    CHECK(world.noted("claim").empty());
    // What views have is told to the next one all the same.
    const auto before = world.own(0);
    CHECK(before.source.empty());
    CHECK(before.position.empty());
    CHECK(before.views_source == "source");
    CHECK(before.views_position == "0/10");
}

TEST_CASE("views log: what a server that begins again may have lost is not said to be of the source", "[relay]")
{
    relay_world world{1};
    (void)world.own(0);
    REQUIRE(world.await(world.at(0).attach("source", "0/10", "")).has_value());
    view_writing voided;
    voided.entry(documents(), 8, document("1", "{}"));
    REQUIRE(world.await(world.at(0).write(voided, "")).has_value());
    // With a prefix of what was written, without the last of it.
    (void)world.ask({"HSET", "{cache}:purge:head", "run", "another"});
    CHECK(world.await(world.at(0).attach("source", "0/10", "source")).has_error());
    CHECK(world.at(0).fenced());
    CHECK(world.noted("views_source").empty());
}

TEST_CASE("views log: who attaches says anew how far views are", "[relay]")
{
    relay_world world{2};
    attach(world, 0);
    view_writing what;
    what.entry(documents(), 7, document("1", "{}"));
    REQUIRE(world.await(world.at(0).write(what, "0/30")).has_value());
    CHECK(world.noted("viewed") == "0/30");
    attach(world, 1);
    CHECK(world.noted("viewed").empty());
}

TEST_CASE("views log: an entry that was put together in parts gets its name at once, and stays", "[relay]")
{
    relay_world world{1};
    attach(world, 0);
    const auto under = world.at(0).staging_key(1);
    for (const auto& part : {pairs({"1", "a"}), pairs({"2", "b"})})
        REQUIRE(world.await(world.at(0).stage(under, views::kind::sorted_set, part)).has_value());
    CHECK(*world.ask({"TTL", under}).integer() > 0);
    view_writing what;
    what.staged("prices", 8, "a", under);
    REQUIRE(world.await(world.at(0).write(what, "")).has_value());
    CHECK(*world.ask({"ZCARD", "{cache}:view:prices:8:a"}).integer() == 2);
    CHECK(*world.ask({"TTL", "{cache}:view:prices:8:a"}).integer() == -1);
    CHECK(*world.ask({"EXISTS", under}).integer() == 0);
}
