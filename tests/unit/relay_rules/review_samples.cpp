#include "tests/unit/relay_rules/review_samples.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/samples.hpp"

namespace shoal::relay::test {

table_facts sound_table()
{
    return {.name = {"public", "product"},
            .columns = {{.name = "id", .type = "bigint", .identity = true},
                        {.name = "category_id", .type = "bigint"},
                        {.name = "status", .type = "text"},
                        {.name = "on_sale", .type = "boolean"},
                        {.name = "price", .type = "numeric(10,2)"}},
            .publication = {.name = "shoal"}};
}

std::vector<finding> reviewed(const std::string& fields, const table_facts& table)
{
    return review(one_rule(R"({"table":"product",)" + fields + "}"), table);
}

std::string sql_of_one(const std::vector<finding>& all, severity how, const std::string& part)
{
    for (const auto& one : all) UNSCOPED_INFO(one.text);
    REQUIRE(all.size() == 1);
    INFO(part);
    CHECK(all.front().how == how);
    CHECK(all.front().text.find(part) != std::string::npos);
    return all.front().sql;
}

}  // namespace shoal::relay::test
