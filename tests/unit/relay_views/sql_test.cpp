// The statements around a view's query.

#include "services/relay/views/sql.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::relay;

TEST_CASE("view SQL: a query is wrapped, whatever its end is", "[relay]")
{
    CHECK(described_sql("SELECT 1 -- one") == "SELECT v.* FROM (\nSELECT 1 -- one\n) AS v");
}

TEST_CASE("view SQL: keys are literals of their types", "[relay]")
{
    view_definition of;
    of.key = {"id"};
    of.query = "Q";
    const std::vector<key_values> keys{{"a'b"}, {R"(c"\d)"}};
    CHECK(entries_sql(of, {{"text"}, {}}, keys) ==
          R"sql(SELECT v."id", pg_catalog.to_json(v.*) FROM (
Q
) AS v WHERE v."id" = ANY ('{"a''b","c\"\\d"}'::text[]) ORDER BY v."id"::pg_catalog.text COLLATE pg_catalog."C")sql");
}

TEST_CASE("view SQL: a key of several columns is one row of them", "[relay]")
{
    view_definition of;
    of.is = views::kind::sorted_set;
    of.key = {"a", "B"};
    of.member = "m";
    of.score = "s";
    of.query = "Q";
    const std::vector<key_values> keys{{"1", "x"}};
    const auto made = entries_sql(of, {{"integer", "text", "text"}, {}}, keys);
    CHECK(made.find(R"(v."a" = ANY ('{"1"}'::integer[]) AND v."B" = ANY ('{"x"}'::text[]))") != std::string::npos);
    CHECK(
        made.find(
            R"((v."a", v."B") IN (SELECT * FROM ROWS FROM (pg_catalog.unnest('{"1"}'::integer[]), pg_catalog.unnest('{"x"}'::text[]))))") !=
        std::string::npos);
    CHECK(made.find(R"(v."m", v."s"::pg_catalog.float8 FROM)") != std::string::npos);
    CHECK(members_sql(of, {{"integer", "text", "text"}, {}}, std::vector<key_values>{{"1", "x", "y"}})
              .find(R"(v."m" = ANY ('{"y"}'::text[]))") != std::string::npos);
}
