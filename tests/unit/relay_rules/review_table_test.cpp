#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/review_samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

TEST_CASE("review: nothing is said of a rule that misses nothing", "[relay]")
{
    REQUIRE(reviewed(by_id, sound_table()).empty());
}

TEST_CASE("review: a table that is not there is refused, and nothing else said", "[relay]")
{
    const table_facts none{.name = {"public", "Produkt"}, .exists = false};
    REQUIRE(sql_of_one(reviewed(by_category, none), severity::refuse, R"(there is no table public."Produkt")").empty());
}

TEST_CASE("review: what PostgreSQL does not replicate is refused", "[relay]")
{
    auto table = sound_table();
    table.kind = 'v';
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "is a view").empty());
    table.kind = 'm';
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "is a materialized view").empty());
    table.kind = 'f';
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "is a foreign table").empty());
    table.kind = 'S';
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "is a sequence").empty());
}

TEST_CASE("review: tables without a log of their changes are refused", "[relay]")
{
    auto table = sound_table();
    table.persistence = 't';
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "temporary").empty());
    table.persistence = 'u';
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "unlogged") ==
            R"(ALTER TABLE "public"."product" SET LOGGED;)");
}

TEST_CASE("review: a table that is not published is refused, with what publishes it", "[relay]")
{
    auto table = sound_table();
    table.name = {"Odd \"S\"", "t; DROP"};
    table.publication.name = "my Pub";
    table.publication.has_table = false;
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "is not in the publication \"my Pub\"") ==
            R"(ALTER PUBLICATION "my Pub" ADD TABLE "Odd ""S"""."t; DROP";)");
}

TEST_CASE("review: an operation that is not published is refused where the rule is about it", "[relay]")
{
    const auto [word, is_published] =
        GENERATE(table<std::string, bool publication_facts::*>({{"insert", &publication_facts::inserts},
                                                                {"update", &publication_facts::updates},
                                                                {"delete", &publication_facts::deletes},
                                                                {"truncate", &publication_facts::truncates}}));
    auto table = sound_table();
    table.publication.*is_published = false;
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "does not publish " + word) ==
            R"(ALTER PUBLICATION "shoal" SET (publish = 'insert, update, delete, truncate');)");
    const std::string other = word == "insert" ? "delete" : "insert";
    REQUIRE(reviewed(by_id + R"(,"on":[")" + other + R"("])", table).empty());
}

TEST_CASE("review: a row filter of the publication is a warning", "[relay]")
{
    auto table = sound_table();
    table.publication.row_filter = true;
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::warn, "has a row filter").empty());
}

TEST_CASE("review: a partitioned table has to be published under its own name", "[relay]")
{
    auto table = sound_table();
    table.kind = 'p';
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "under the names of its partitions") ==
            R"(ALTER PUBLICATION "shoal" SET (publish_via_partition_root = true);)");
    table.publication.via_root = true;
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::warn, "TRUNCATE of a single partition").empty());
    REQUIRE(reviewed(by_id + R"(,"on":["insert"])", table).empty());
}

TEST_CASE("review: a partition whose changes come under another name is refused", "[relay]")
{
    auto table = sound_table();
    table.published_as = {"public", "all_products"};
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "under the name of public.all_products").empty());
    table.published_as = table.name;
    REQUIRE(reviewed(by_id, table).empty());
}

TEST_CASE("review: a partition of which no change is replicated is refused", "[relay]")
{
    auto table = sound_table();
    table.kind = 'p';
    table.publication.via_root = true;
    table.partitions = {{.name = {"public", "p1"}, .persistence = 'u'}};
    const std::string rule = by_id + R"(,"on":["insert","update","delete"])";
    REQUIRE(
        sql_of_one(reviewed(rule, table), severity::refuse, "public.p1, a partition of public.product, is unlogged") ==
        R"(ALTER TABLE "public"."p1" SET LOGGED;)");
    table.partitions = {{.name = {"public", "p1"}, .kind = 'f'}};
    REQUIRE(sql_of_one(reviewed(rule, table), severity::refuse, "is a foreign table").empty());
}

TEST_CASE("review: a table of the server itself is refused", "[relay]")
{
    auto table = sound_table();
    table.name = {"pg_catalog", "pg_class"};
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "is PostgreSQL's own").empty());
}

TEST_CASE("review: each table that inherits needs a rule of its own", "[relay]")
{
    auto table = sound_table();
    table.children = {{.name = {"public", "book"}, .has_rule = true}};
    REQUIRE(reviewed(by_id, table).empty());
    table.children.push_back({.name = {"shop", "Odd"}});
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse,
                       R"(rows of shop."Odd", which inherits from public.product, are seen through public.product)")
                .empty());
}
