#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/review_samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

namespace {

const std::string full_sql = R"(ALTER TABLE "public"."product" REPLICA IDENTITY FULL;)";

}  // namespace

TEST_CASE("review: a template over old values that are not sent is refused", "[relay]")
{
    REQUIRE(sql_of_one(reviewed(by_category, sound_table()), severity::refuse, "old values of category_id") ==
            full_sql);
    const auto mixed = reviewed(R"("tags":["{id}:{category_id}","{status}"])", sound_table());
    REQUIRE(sql_of_one(mixed, severity::refuse, "old values of category_id, status are not sent") == full_sql);
    const std::string on = GENERATE("update", "delete");
    REQUIRE(reviewed(by_category + R"(,"on":[")" + on + R"("])", sound_table()).size() == 1);
}

TEST_CASE("review: old values are no matter where the rule needs none", "[relay]")
{
    REQUIRE(reviewed(by_category + R"(,"on":["insert","truncate"])", sound_table()).empty());
    REQUIRE(reviewed(R"("tags":["lists"])", sound_table()).empty());
    auto table = sound_table();
    table.identity = 'f';
    REQUIRE(reviewed(by_category, table).empty());
    table.identity = 'i';
    table.columns[1].identity = true;
    REQUIRE(reviewed(by_category, table).empty());
}

TEST_CASE("review: columns of which the operator says that they never change are only no matter to updates", "[relay]")
{
    const std::string ignoring = by_category + R"(,"old_values":"ignore")";
    REQUIRE(sql_of_one(reviewed(ignoring, sound_table()), severity::warn, R"(purges "table:public.product" instead)") ==
            full_sql);
    REQUIRE(reviewed(ignoring + R"(,"on":["insert","update"])", sound_table()).empty());
}

TEST_CASE("review: a filter over old values that are not sent is a warning", "[relay]")
{
    const std::string when = by_id + R"(,"when":{"column":"status","in":["a"]})";
    REQUIRE(sql_of_one(reviewed(when, sound_table()), severity::warn, "counts as inside") == full_sql);
    REQUIRE(reviewed(when + R"(,"on":["insert"])", sound_table()).empty());
    auto table = sound_table();
    table.identity = 'f';
    REQUIRE(reviewed(when, table).empty());
}

TEST_CASE("review: a table without replica identity is refused", "[relay]")
{
    auto table = sound_table();
    SECTION("as it is set to nothing")
    {
        table.identity = 'n';
    }
    SECTION("as it has no primary key")
    {
        table.columns[0].identity = false;
    }
    SECTION("as its index is gone")
    {
        table.identity = 'i';
        table.columns[0].identity = false;
    }
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "has no replica identity") == full_sql);
}

TEST_CASE("review: a rule about inserts only warns that updates of the table will fail", "[relay]")
{
    auto table = sound_table();
    table.identity = 'n';
    const std::string inserts = by_id + R"(,"on":["insert"])";
    REQUIRE(sql_of_one(reviewed(inserts, table), severity::warn, "PostgreSQL refuses every UPDATE") == full_sql);
    table.publication.updates = false;
    table.publication.deletes = false;
    REQUIRE(reviewed(inserts, table).empty());
}

TEST_CASE("review: partitions need the identity of their table", "[relay]")
{
    auto table = sound_table();
    table.kind = 'p';
    table.publication.via_root = true;
    table.identity = 'f';
    table.partitions = {{{"public", "p1"}, 'f'}, {{"public", "P2"}, 'd'}};
    const std::string on = by_category + R"(,"on":["update"])";
    REQUIRE(sql_of_one(reviewed(on, table), severity::refuse, R"(public."P2" of public.product has another)") ==
            full_sql + "\nALTER TABLE \"public\".\"P2\" REPLICA IDENTITY FULL;");
    table.partitions[1].identity = 'f';
    REQUIRE(sql_of_one(reviewed(on, table), severity::warn, "gets later does not inherit").empty());
    table.identity = 'd';
    for (auto& one : table.partitions) one.identity = 'd';
    REQUIRE(reviewed(by_id + R"(,"on":["update"])", table).empty());
    REQUIRE(sql_of_one(reviewed(on, table), severity::refuse, "old values of category_id") ==
            full_sql + "\nALTER TABLE \"public\".\"p1\" REPLICA IDENTITY FULL;" +
                "\nALTER TABLE \"public\".\"P2\" REPLICA IDENTITY FULL;");
}

TEST_CASE("review: partitions of which the index of the identity has other columns are refused", "[relay]")
{
    auto table = sound_table();
    table.kind = 'p';
    table.identity = 'i';
    table.publication.via_root = true;
    table.partitions = {{.name = {"public", "p1"}, .identity = 'i'}};
    REQUIRE(reviewed(by_id + R"(,"on":["update"])", table).size() == 1);
    table.partitions[0].other_columns = true;
    REQUIRE(sql_of_one(reviewed(by_id + R"(,"on":["update"])", table), severity::refuse, "public.p1 of public.product")
                .ends_with("\nALTER TABLE \"public\".\"p1\" REPLICA IDENTITY FULL;"));
}

TEST_CASE("review: the whole row is no advice where a publication lists columns, as it would break the writers",
          "[relay]")
{
    auto table = sound_table();
    REQUIRE(reviewed(by_category, table).front().by_setup);
    table.column_list = true;
    const auto all = reviewed(by_category, table);
    REQUIRE(sql_of_one(all, severity::refuse, "while a publication lists columns").empty());
    REQUIRE_FALSE(all.front().by_setup);
}

TEST_CASE("review: setup helps with what is refused, not with what is only a warning", "[relay]")
{
    auto table = sound_table();
    REQUIRE_FALSE(reviewed(by_category + R"(,"old_values":"ignore")", table).front().by_setup);
    table.publication.has_table = false;
    table.publication.updates = false;
    for (const auto& one : reviewed(by_category, table)) REQUIRE(one.by_setup);
    table.persistence = 'u';
    REQUIRE_FALSE(reviewed(by_category, table).front().by_setup);
}
