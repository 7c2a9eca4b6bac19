#include <catch2/catch.hpp>

#include "services/relay/setup/preparation.hpp"

using namespace shoal::relay;

namespace {

table_facts some_table(std::string name)
{
    return {.name = {"public", std::move(name)},
            .columns = {{.name = "id", .type = "bigint", .identity = true}, {.name = "color", .type = "text"}},
            .publication = {.name = "shoal", .via_root = true}};
}

rule about(const table_facts& of, const char* tag)
{
    return {.table = of.name, .tags = {*tag_template::parse(tag)}, .table_tag = "all"};
}

settings with(rules all)
{
    return {.database = {}, .publication = "shoal", .slot = "shoal", .all = std::move(all)};
}

survey nothing_made(std::vector<table_facts> tables)
{
    survey made;
    made.schema.tables = std::move(tables);
    return made;
}

survey all_made(std::vector<table_facts> tables)
{
    auto made = nothing_made(std::move(tables));
    made.schema.has_publication = true;
    made.slot.exists = true;
    return made;
}

const std::string create_slot = "SELECT pg_catalog.pg_create_logical_replication_slot('shoal', 'pgoutput');";

}  // namespace

TEST_CASE("preparation: from nothing, the publication has each table once and comes before the slot", "[relay]")
{
    const auto one = some_table("Odd\"one");
    const auto two = some_table("two");
    const auto made =
        prepare(with({about(one, "{id}"), about(one, "{color}"), about(two, "{id}"), about(one, "{color}")}),
                nothing_made({one, one, two, one}));
    REQUIRE(
        to_sql(made) ==
        "BEGIN;\n"
        "CREATE PUBLICATION \"shoal\" FOR TABLE \"public\".\"Odd\"\"one\", \"public\".\"two\" WITH (publish = 'insert, "
        "update, delete, truncate', publish_via_partition_root = false);\n"
        "ALTER TABLE \"public\".\"Odd\"\"one\" REPLICA IDENTITY FULL;\n"
        "COMMIT;\n" +
            create_slot + "\n");
}

TEST_CASE("preparation: a partitioned table is published under its own name", "[relay]")
{
    auto one = some_table("one");
    one.kind = 'p';
    const auto made = prepare(with({about(one, "{id}")}), nothing_made({one}));
    REQUIRE(made.schema.front().ends_with("publish_via_partition_root = true);"));
}

TEST_CASE("preparation: what can't be replicated is in no publication", "[relay]")
{
    auto view = some_table("one");
    view.kind = 'v';
    auto unlogged = some_table("two");
    unlogged.persistence = 'u';
    auto absent = some_table("three");
    absent.exists = false;
    const auto made = prepare(with({about(view, "{id}"), about(unlogged, "{id}"), about(absent, "{id}")}),
                              nothing_made({view, unlogged, absent}));
    REQUIRE(made.schema.size() == 1);
    REQUIRE(made.schema.front().find("TABLE") == std::string::npos);
}

TEST_CASE("preparation: only what lacks is added to a publication that is there", "[relay]")
{
    auto one = some_table("one");
    one.publication.has_table = false;
    one.publication.truncates = false;
    const auto made =
        prepare(with({about(one, "{id}"), about(some_table("two"), "{id}")}), all_made({one, some_table("two")}));
    REQUIRE(made.slot.empty());
    REQUIRE(made.schema == std::vector<std::string>{
                               "ALTER PUBLICATION \"shoal\" ADD TABLE \"public\".\"one\";",
                               "ALTER PUBLICATION \"shoal\" SET (publish = 'insert, update, delete, truncate');"});
}

TEST_CASE("preparation: where all is there, there is nothing to do", "[relay]")
{
    const auto made = prepare(with({about(some_table("one"), "{id}")}), all_made({some_table("one")}));
    REQUIRE(made.empty());
    REQUIRE(to_sql(made).starts_with("--"));
}

TEST_CASE("preparation: a slot that is older than the publication is made anew, as it can't be decoded", "[relay]")
{
    auto seen = all_made({});
    seen.schema.has_publication = false;
    REQUIRE(prepare(with({}), seen).slot ==
            std::vector<std::string>{"SELECT pg_catalog.pg_drop_replication_slot('shoal');", create_slot});
}
