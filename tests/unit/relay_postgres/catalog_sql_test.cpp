#include <catch2/catch.hpp>

#include "services/relay/postgres/catalog_sql.hpp"

using namespace shoal::relay;

namespace {

rules about(std::string schema, std::string name)
{
    return {{.table = {std::move(schema), std::move(name)}, .table_tag = "all"}};
}

bool has(const std::string& sql, const char* part)
{
    return sql.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("catalog: PostgreSQL 14 is not asked for what came with 15", "[relay]")
{
    const std::string old = tables_sql(140'000, "shoal", about("public", "one")) + columns_sql(140'000, "shoal", "1") +
                            partitions_sql("1") + children_sql("1") + publication_sql("shoal");
    const std::string now = tables_sql(150'000, "shoal", about("public", "one")) + columns_sql(150'000, "shoal", "1");
    for (const char* const part : {"prqual", "prattrs", "pg_publication_namespace"}) {
        INFO(part);
        CHECK_FALSE(has(old, part));
        CHECK(has(now, part));
    }
}

TEST_CASE("catalog: no name ends its own quotes", "[relay]")
{
    const auto sql = tables_sql(150'000, "o'p", about("s'; --", "t''"));
    REQUIRE(has(sql, "(0, 's\'\'; --', 't\'\'\'\'')"));
    REQUIRE(has(sql, "pubname = 'o\'\'p'"));
}
