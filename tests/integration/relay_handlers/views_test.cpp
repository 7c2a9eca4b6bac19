// Views on a real PostgreSQL and a real Redis: what they show is what the database has.

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "common/views/layout.hpp"
#include "services/relay/handlers/feed.hpp"
#include "tests/integration/relay_handlers/world.hpp"

using namespace shoal;
using namespace shoal::relay;
using namespace shoal::test;

namespace {

constexpr auto* schema =
    "CREATE TABLE category (id int PRIMARY KEY, name text); "
    "CREATE TABLE product (id int PRIMARY KEY, category_id int, name text, price numeric, hidden bool DEFAULT false); "
    "ALTER TABLE product REPLICA IDENTITY FULL; "
    "INSERT INTO category SELECT n, 'category ' || n FROM generate_series(1, 3) n; "
    "INSERT INTO product SELECT n, 1 + n % 3, 'product ' || n, n FROM generate_series(1, 1200) n; "
    "ALTER PUBLICATION shoal ADD TABLE category, product";

const nlohmann::json product_view{
    {"name", "product"},
    {"kind", "document"},
    {"key", {"id"}},
    {"query", "SELECT p.id, p.name, c.name AS category FROM product p JOIN category c ON c.id = p.category_id"},
    {"changed_by",
     {{{"table", "product"}, {"key", {"id"}}},
      {{"table", "category"}, {"keys", "SELECT id FROM product WHERE category_id = $1"}, {"from", {"id"}}}}}};

const nlohmann::json price_view{
    {"name", "by_category"},
    {"kind", "sorted_set"},
    {"key", {"category_id"}},
    {"member", "id"},
    {"score", "price"},
    {"query", "SELECT category_id, id, price FROM product WHERE NOT hidden -- all but the hidden\n"},
    {"changed_by", {{{"table", "product"}, {"key", {"category_id"}}, {"member", "id"}}}}};

class views_world : public feed_world {
public:
    /// `more`: statements for the schema.
    explicit views_world(nlohmann::json of, const std::string& more = "") : of_(std::move(of))
    {
        database.sql(schema);
        if (!more.empty()) database.sql(more);
        until_active(add(chosen()));
    }

    [[nodiscard]] std::shared_ptr<const relay::settings> chosen() const
    {
        return settings("shoal", "postgres", {{"views", of_}, {"query_timeout", "1500ms"}});
    }

    std::optional<views::directory_entry> directory(const std::string& view)
    {
        const auto answer = ask({"HGET", views::directory_key, view});
        return answer.text() != nullptr ? views::parse_directory_entry(*answer.text()) : std::nullopt;
    }
    bool is(const std::string& view, views::state state)
    {
        const auto now = directory(view);
        return now && now->at == state;
    }
    void until_ready(const std::string& view)
    {
        until([&] { return is(view, views::state::ready); });
    }
    std::string key(const std::string& view, const std::string& of)
    {
        return views::entry_key(view, directory(view).value_or(views::directory_entry{}).generation, of);
    }
    /// A document; empty where there is none.
    std::string get(const std::string& view, const std::string& of)
    {
        const auto name = key(view, of);
        const auto answer = ask({"GET", name});
        return answer.text() != nullptr ? *answer.text() : std::string{};
    }
    std::string score(const std::string& view, const std::string& of, const std::string& of_it)
    {
        const auto name = key(view, of);
        const auto answer = ask({"ZSCORE", name, of_it});
        return answer.text() != nullptr ? *answer.text() : std::string{};
    }
    std::int64_t count(const std::string& view)
    {
        const auto name = views::index_key(view, directory(view)->generation);
        return *ask({"SCARD", name}).integer();
    }
    /// What was committed by now is in the views.
    void until_viewed()
    {
        const auto committed = parse_lsn(database.sql("SELECT pg_current_wal_insert_lsn()"));
        until([&] {
            const auto viewed = parse_lsn(noted("viewed"));
            return viewed && *viewed >= *committed;
        });
    }
    std::vector<std::string> keys(const std::string& pattern)
    {
        std::vector<std::string> found;
        const auto answer = ask({"KEYS", pattern});
        for (const auto& one : *answer.array()) found.push_back(*one.text());
        return found;
    }

private:
    nlohmann::json of_;
};

}  // namespace

TEST_CASE("views: one is filled, and what a transaction changes is in it", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until_ready("product");
    CHECK(world.count("product") == 1200);
    CHECK(world.get("product", "1") == R"({"id":1,"name":"product 1","category":"category 2"})");
    world.database.sql("UPDATE product SET name = 'renamed' WHERE id = 1");
    world.until_viewed();
    CHECK(world.get("product", "1") == R"({"id":1,"name":"renamed","category":"category 2"})");
    world.database.sql("UPDATE category SET name = 'other' WHERE id = 2");
    world.until_viewed();
    CHECK(world.get("product", "1") == R"({"id":1,"name":"renamed","category":"other"})");
    CHECK(world.get("product", "4") == R"({"id":4,"name":"product 4","category":"other"})");
    world.database.sql("DELETE FROM product WHERE id = 4; INSERT INTO product VALUES (9999, 1, 'new', 1)");
    world.until_viewed();
    CHECK(world.get("product", "4").empty());
    CHECK(world.get("product", "9999") == R"({"id":9999,"name":"new","category":"category 1"})");
    CHECK(world.count("product") == 1200);
}

TEST_CASE("views: a member moves with its key, and what is hidden is none", "[relay]")
{
    views_world world{nlohmann::json::array({price_view})};
    world.until_ready("by_category");
    CHECK(world.count("by_category") == 3);
    CHECK(world.score("by_category", "2", "1") == "1");
    world.database.sql("UPDATE product SET category_id = 3, price = 2.5 WHERE id = 1");
    world.until_viewed();
    CHECK(world.score("by_category", "2", "1").empty());
    CHECK(world.score("by_category", "3", "1") == "2.5");
    world.database.sql("UPDATE product SET hidden = true WHERE category_id = 3");
    world.until_viewed();
    CHECK(world.score("by_category", "3", "1").empty());
    CHECK(world.count("by_category") == 2);
}

TEST_CASE("views: a rolled back transaction changes nothing, and one of several views changes them together", "[relay]")
{
    views_world world{nlohmann::json::array({product_view, price_view})};
    world.until_ready("product");
    world.until_ready("by_category");
    world.database.sql("BEGIN; UPDATE product SET name = 'never', price = 77 WHERE id = 1; ROLLBACK");
    world.until_viewed();
    CHECK(world.get("product", "1").find("never") == std::string::npos);
    const auto document = world.key("product", "1");
    const auto set = world.key("by_category", "2");
    for (int i = 0; i < 20; ++i) {
        const auto price = std::to_string(1000 + i);
        world.database.sql(fmt::format("UPDATE product SET name = '{0}', price = {0} WHERE id = 1", price));
        world.until([&] {
            const auto both =
                world.ask({"EVAL", "return {redis.call('GET', KEYS[1]), redis.call('ZSCORE', KEYS[2], '1')}", "2",
                           document, set});
            const auto& shown = *both.array();
            const bool first = shown[0].text()->find(price) != std::string::npos;
            const bool second = *shown[1].text() == price;
            REQUIRE(first == second);
            return first;
        });
    }
}

TEST_CASE("views: TRUNCATE makes all of one anew, and the old entries are deleted", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until_ready("product");
    const auto before = world.directory("product")->generation;
    world.database.sql("TRUNCATE product; INSERT INTO product VALUES (1, 1, 'only', 1)");
    world.until(
        [&] { return world.is("product", views::state::ready) && world.directory("product")->generation > before; });
    world.until([&] { return world.count("product") == 1; });
    world.until([&] { return world.keys("{cache}:view:product:" + std::to_string(before) + "*").empty(); });
    CHECK(world.keys("{cache}:view:product:*").size() == 2);
}

TEST_CASE("views: a query that fails makes its view unavailable, and others go on", "[relay]")
{
    views_world world{nlohmann::json::array({product_view, price_view})};
    world.until_ready("product");
    world.until_ready("by_category");
    world.database.sql("ALTER TABLE category DROP COLUMN name; UPDATE product SET name = 'x', price = 5 WHERE id = 1");
    world.until([&] { return world.is("product", views::state::failed); });
    world.until([&] { return world.score("by_category", "2", "1") == "5"; });
    CHECK(world.get("product", "1").empty());
    CHECK(world.at(0).views().front().why.find("name") != std::string::npos);
    world.database.sql("ALTER TABLE category ADD COLUMN name text DEFAULT 'again'");
    world.until_ready("product");
    CHECK(world.get("product", "1") == R"({"id":1,"name":"x","category":"again"})");
}

TEST_CASE("views: another relay goes on with what is there, and finishes what was being filled", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until([&] { return world.directory("product").has_value(); });
    const auto generation = world.directory("product")->generation;
    world.pause(0);
    const auto two = world.add(world.chosen());
    world.until_active(two);
    world.database.sql("UPDATE product SET name = 'later' WHERE id = 3");
    world.until_ready("product");
    world.until_viewed();
    CHECK(world.directory("product")->generation == generation);
    CHECK(world.count("product") == 1200);
    CHECK(world.get("product", "3").find("later") != std::string::npos);
    // What the first one had under way is refused.
    world.resume(0);
    world.turn_times(2000);
    CHECK(world.get("product", "3").find("later") != std::string::npos);
}

TEST_CASE("views: one that is no longer configured is gone, one of another definition is made anew", "[relay]")
{
    views_world world{nlohmann::json::array({product_view, price_view})};
    world.until_ready("product");
    world.until_ready("by_category");
    const auto before = world.directory("product")->generation;
    auto other = product_view;
    other["query"] = "SELECT id, name FROM product";
    world.at(0).choose(world.settings("shoal", "postgres", {{"views", nlohmann::json::array({other})}}));
    world.until([&] { return !world.directory("by_category"); });
    world.until(
        [&] { return world.is("product", views::state::ready) && world.directory("product")->generation > before; });
    CHECK(world.get("product", "1") == R"({"id":1,"name":"product 1"})");
    world.until([&] { return world.keys("{cache}:view:by_category:*").empty(); });
}

TEST_CASE("views: what an emptied Redis has lost is made anew", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until_ready("product");
    (void)world.ask({"FLUSHALL"});
    world.until_ready("product");
    world.until_viewed();
    CHECK(world.count("product") == 1200);
    CHECK(world.directory("product")->epoch == world.at(0).now().epoch);
}

TEST_CASE("views: rebuilt, one is right again while it is served", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until_ready("product");
    const auto generation = world.directory("product")->generation;
    const auto wrong = world.key("product", "7");
    const auto extra = world.key("product", "100000");
    (void)world.ask({"SET", wrong, "wrong"});
    (void)world.ask({"SET", extra, "nothing has this key"});
    (void)world.ask({"SADD", views::index_key("product", generation), "100000"});
    REQUIRE(world.at(0).rebuild("product"));
    CHECK_FALSE(world.at(0).rebuild("nothing"));
    world.until([&] { return world.get("product", "7") != "wrong" && world.get("product", "100000").empty(); });
    CHECK(world.is("product", views::state::ready));
    CHECK(world.directory("product")->generation == generation);
    CHECK(world.count("product") == 1200);
}

TEST_CASE("views: one whose table would miss changes is not kept until that is mended", "[relay]")
{
    auto unpublished = price_view;
    unpublished["name"] = "unpublished";
    unpublished["query"] = "SELECT category_id, id, price FROM hidden_product";
    unpublished["changed_by"][0]["table"] = "hidden_product";
    views_world world{nlohmann::json::array({product_view, unpublished})};
    world.until_ready("product");
    CHECK(world.is("unpublished", views::state::failed));
    CHECK(world.at(0).views().back().why.find("hidden_product") != std::string::npos);
    world.database.sql(
        "CREATE TABLE hidden_product (LIKE product); ALTER TABLE hidden_product REPLICA IDENTITY FULL; "
        "INSERT INTO hidden_product SELECT * FROM product; ALTER PUBLICATION shoal ADD TABLE hidden_product");
    world.until_ready("unpublished");
    world.database.sql("UPDATE hidden_product SET price = 9 WHERE id = 1");
    world.until_viewed();
    CHECK(world.score("unpublished", "2", "1") == "9");
}

TEST_CASE("views: a large document and a large set are put together in parts", "[relay]")
{
    auto large = product_view;
    large["name"] = "large";
    large["query"] = "SELECT id, repeat('x', 400000) AS text FROM product WHERE id < 4";
    auto many = price_view;
    many["name"] = "many";
    many["query"] =
        "SELECT 1 AS category_id, n AS id, n AS price FROM generate_series(1, 30000) n, category WHERE category.id = 1";
    views_world world{nlohmann::json::array({large, many})};
    world.until_ready("large");
    world.until_ready("many");
    CHECK(world.get("large", "2").size() > 400'000);
    CHECK(world.score("many", "1", "30000") == "30000");
    CHECK(*world.ask({"ZCARD", world.key("many", "1")}).integer() == 30'000);
    CHECK(world.keys("{cache}:views:staged:*").empty());
    CHECK(*world.ask({"TTL", world.key("many", "1")}).integer() == -1);
}

TEST_CASE("views: what nobody can see yet is not in them, and is as soon as it can be seen", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until_ready("product");
    world.database.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    world.database.sql("SELECT pg_reload_conf()");
    world.until([&] { return world.database.sql("SHOW synchronous_standby_names") == "nobody"; });
    std::thread writer{[&] { world.database.sql("UPDATE product SET name = 'stalled' WHERE id = 1"); }};
    // It is sent all the same.
    world.until([&] { return world.at(0).now().open_transactions > 0; });
    const auto flushed = *parse_lsn(world.database.sql("SELECT pg_current_wal_flush_lsn()"));
    for (int i = 0; i < 20; ++i) {
        world.turn_times(20);
        CHECK(world.get("product", "1").find("stalled") == std::string::npos);
        CHECK(parse_lsn(world.noted("viewed")).value_or(0) < flushed);
    }
    world.database.sql("ALTER SYSTEM RESET synchronous_standby_names");
    world.database.sql("SELECT pg_reload_conf()");
    world.until([&] { return world.get("product", "1").find("stalled") != std::string::npos; });
    writer.join();
}

TEST_CASE("views: a row that goes together with many large ones is gone", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until_ready("product");
    world.database.sql(
        "BEGIN; UPDATE product SET name = repeat('x', 1000) WHERE id <= 400; DELETE FROM product WHERE id = 500; "
        "COMMIT");
    world.until_viewed();
    CHECK(world.get("product", "1").size() > 1000);
    CHECK(world.get("product", "500").empty());
    CHECK(world.count("product") == 1199);
}

TEST_CASE("views: a set that the fill has not come to is not served with one member", "[relay]")
{
    views_world world{nlohmann::json::array({price_view})};
    world.until_ready("by_category");
    const auto entry = world.key("by_category", "2");
    const auto index = views::index_key("by_category", world.directory("by_category")->generation);
    (void)world.ask({"DEL", entry});
    (void)world.ask({"SREM", index, "2"});
    world.database.sql("UPDATE product SET price = 7 WHERE id = 1");
    world.until_viewed();
    CHECK(world.score("by_category", "2", "1") == "7");
    CHECK(*world.ask({"ZCARD", entry}).integer() == 400);
}

TEST_CASE("views: one whose table is published no more is not kept, and is made anew when it is", "[relay]")
{
    views_world world{nlohmann::json::array({product_view})};
    world.until_ready("product");
    world.database.sql("ALTER PUBLICATION shoal DROP TABLE category");
    world.until([&] { return world.is("product", views::state::failed); });
    world.database.sql("UPDATE category SET name = 'missed' WHERE id = 2; ALTER PUBLICATION shoal ADD TABLE category");
    world.until_ready("product");
    CHECK(world.get("product", "1") == R"({"id":1,"name":"product 1","category":"missed"})");
}

TEST_CASE("views: a slow query makes its view unavailable, and others go on", "[relay]")
{
    auto slow = product_view;
    slow["name"] = "slow";
    slow["query"] = "SELECT id, named(name) AS name FROM product";
    views_world world{nlohmann::json::array({slow, price_view}),
                      "CREATE FUNCTION named(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1'"};
    world.until_ready("slow");
    world.until_ready("by_category");
    world.database.sql(
        "CREATE OR REPLACE FUNCTION named(text) RETURNS text LANGUAGE plpgsql STABLE AS "
        "'BEGIN PERFORM pg_sleep(30); RETURN $1; END'; UPDATE product SET price = 5 WHERE id = 1");
    world.until([&] { return world.score("by_category", "2", "1") == "5"; });
    CHECK(world.is("slow", views::state::failed));
    CHECK(world.at(0).views().front().why.find("timeout") != std::string::npos);
    // It is tried again more and more rarely.
    for (int i = 10; i < 30; ++i) {
        world.database.sql(fmt::format("UPDATE product SET price = {} WHERE id = 1", i));
        world.until([&] { return world.score("by_category", "2", "1") == std::to_string(i); });
    }
    world.database.sql("CREATE OR REPLACE FUNCTION named(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1'");
    world.until([&] { return world.at(0).rebuild("slow"); });
    world.until_ready("slow");
    CHECK(world.get("slow", "1").find("product 1") != std::string::npos);
}

TEST_CASE("views: a fill whose query is slow holds nothing up", "[relay]")
{
    auto slow = product_view;
    slow["name"] = "slow";
    slow["query"] = "SELECT id, name FROM product WHERE listed()";
    views_world world{
        nlohmann::json::array({price_view, slow}),
        // Every snapshot sees a sequence as it is now.
        "CREATE SEQUENCE may_list; "
        "CREATE FUNCTION listed() RETURNS bool LANGUAGE plpgsql STABLE AS 'BEGIN "
        "WHILE current_setting(''application_name'') LIKE ''%fill'' AND (SELECT last_value FROM may_list) = 1 "
        "LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN true; END'"};
    world.until_ready("by_category");
    world.database.sql("UPDATE product SET name = 'renamed', price = 6 WHERE id = 1");
    world.until([&] { return world.score("by_category", "2", "1") == "6"; });
    world.until([&] { return world.get("slow", "1").find("renamed") != std::string::npos; });
    CHECK(world.is("slow", views::state::filling));
    world.database.sql("SELECT setval('may_list', 2)");
    world.until_ready("slow");
    CHECK(world.count("slow") == 1200);
}

TEST_CASE("views: a table that somebody has locked holds up only the views that it changes", "[relay]")
{
    views_world world{nlohmann::json::array({product_view, price_view})};
    world.until_ready("product");
    world.until_ready("by_category");
    std::jthread locker{[&] { world.database.sql("BEGIN; LOCK TABLE category; SELECT pg_sleep(6); COMMIT"); }};
    world.until([&] {
        return world.database.sql(
                   "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND "
                   "relation = 'category'::regclass") != "0";
    });
    world.database.sql("UPDATE product SET name = 'meanwhile', price = 8 WHERE id = 1");
    world.until([&] { return world.score("by_category", "2", "1") == "8"; });
    CHECK(world.is("product", views::state::failed));
    CHECK(world.at(0).views().front().why.find(R"(locked: "public"."category")") != std::string::npos);
    locker.join();
    world.until_ready("product");
    CHECK(world.get("product", "1").find("meanwhile") != std::string::npos);
}

TEST_CASE("views: a change that concerns very many entries makes all of a view anew", "[relay]")
{
    auto wide = product_view;
    wide["name"] = "wide";
    wide["changed_by"][1]["keys"] = "SELECT id FROM product UNION ALL SELECT generate_series(1, 9000) WHERE $1 <> ''";
    views_world world{nlohmann::json::array({wide})};
    world.until_ready("wide");
    const auto before = world.directory("wide")->generation;
    world.database.sql("INSERT INTO category SELECT n, 'one of many' FROM generate_series(100, 120) n");
    world.until([&] { return world.is("wide", views::state::ready) && world.directory("wide")->generation > before; });
}

TEST_CASE("views: a schema and a table may have names that SQL keeps for itself", "[relay]")
{
    auto kept = product_view;
    kept["query"] = R"(SELECT id, name FROM "order"."user")";
    kept["changed_by"] = {{{"table", R"("order"."user")"}, {"key", {"id"}}}};
    views_world world{
        nlohmann::json::array({kept}),
        R"(CREATE SCHEMA "order"; CREATE TABLE "order"."user" (id int PRIMARY KEY, name text); )"
        R"(INSERT INTO "order"."user" VALUES (1, 'one'); ALTER PUBLICATION shoal ADD TABLE "order"."user")"};
    world.until_ready("product");
    world.database.sql(R"(UPDATE "order"."user" SET name = 'other')");
    world.until_viewed();
    CHECK(world.get("product", "1") == R"({"id":1,"name":"other"})");
}

TEST_CASE("views: what is not in them is not claimed to be, and pages do not wait for it", "[relay]")
{
    auto held = product_view;
    held["query"] = "SELECT id, let_through(name) AS name FROM product";
    views_world world{nlohmann::json::array({held}),
                      // Every snapshot sees a sequence as it is now.
                      "CREATE SEQUENCE gate; "
                      "CREATE FUNCTION let_through(text) RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN "
                      "WHILE (SELECT last_value FROM gate) = 2 LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN $1; END'"};
    world.until_ready("product");
    world.database.sql("SELECT setval('gate', 2); UPDATE product SET name = 'held' WHERE id = 1");
    const auto committed = parse_lsn(world.database.sql("SELECT pg_current_wal_insert_lsn()"));
    const auto after = world.redis_now();
    const auto claimed = [&](const std::string& what) {
        const auto text = world.noted(what);
        return text.empty() ? 0 : std::stoull(text);
    };
    world.until([&] { return claimed("claim") >= after; });
    CHECK(parse_lsn(world.noted("purged")) >= committed);
    CHECK(parse_lsn(world.noted("viewed")) < committed);
    CHECK(claimed("views_claim") < after);
    CHECK(world.get("product", "1").find("held") == std::string::npos);
    world.database.sql("SELECT setval('gate', 3)");
    world.until([&] { return claimed("views_claim") >= after; });
    CHECK(world.get("product", "1").find("held") != std::string::npos);
}
