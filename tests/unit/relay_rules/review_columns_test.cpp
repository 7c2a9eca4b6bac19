#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/review_samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

TEST_CASE("review: a column that is not there is refused, once", "[relay]")
{
    const auto all = reviewed(R"("tags":["{nmae}","x{nmae}"],"when":{"column":"nmae","null":true})", sound_table());
    REQUIRE(sql_of_one(all, severity::refuse, "public.product has no column nmae; it has id, category_id").empty());
    REQUIRE(sql_of_one(reviewed(by_id + R"(,"when":{"column":"x","in":["1"]})", sound_table()), severity::refuse,
                       "has no column x")
                .empty());
}

TEST_CASE("review: who forgot the double quotes is told", "[relay]")
{
    auto table = sound_table();
    table.columns[0].name = "Id";
    REQUIRE(sql_of_one(reviewed(R"("tags":["{Id}"])", table), severity::refuse, "did you mean \"Id\"").empty());
    REQUIRE(reviewed(R"("tags":["{\"Id\"}"])", table).empty());
}

TEST_CASE("review: a generated column is refused, as it is never published", "[relay]")
{
    auto table = sound_table();
    table.columns[0].generated = true;
    REQUIRE(sql_of_one(reviewed(by_id, table), severity::refuse, "is a generated column").empty());
    table.columns[1].generated = true;
    REQUIRE(reviewed(R"("tags":["{category_id}"])", table).size() == 1);
}

TEST_CASE("review: a column that the publication leaves out is refused", "[relay]")
{
    auto table = sound_table();
    table.identity = 'f';
    table.columns[1].published = false;
    REQUIRE(reviewed(by_id, table).empty());
    REQUIRE(sql_of_one(reviewed(by_category, table), severity::refuse, "without category_id") ==
            "BEGIN;\nALTER PUBLICATION \"shoal\" DROP TABLE \"public\".\"product\";\n"
            "ALTER PUBLICATION \"shoal\" ADD TABLE \"public\".\"product\";\nCOMMIT;");
    table.publication.has_table = false;
    static_cast<void>(sql_of_one(reviewed(by_category, table), severity::refuse, "is not in the publication"));
}

TEST_CASE("review: a text that a column never is, is refused", "[relay]")
{
    const auto with = [](const std::string& column, const std::string& text) {
        auto table = sound_table();
        table.identity = 'f';
        return reviewed(by_id + R"(,"when":{"column":")" + column + R"(","in":[)" + text + "]}", table);
    };
    REQUIRE(with("on_sale", "true").empty());
    REQUIRE(with("on_sale", "\"f\"").empty());
    REQUIRE(sql_of_one(with("on_sale", "\"true\""), severity::refuse, "on_sale (boolean) with 'true'").empty());
    REQUIRE(with("category_id", "7,-7,0").empty());
    for (const char* const odd : {"\"07\"", "\"+7\"", "\"\"", "\"-\"", "\"-0\"", "\"7.0\"", "true"}) {
        INFO(odd);
        REQUIRE(sql_of_one(with("category_id", odd), severity::refuse, "which it never is").empty());
    }
    REQUIRE(with("status", "\"07\"").empty());
}

TEST_CASE("review: where one value has many texts, there is a warning", "[relay]")
{
    auto table = sound_table();
    table.identity = 'f';
    const auto all = reviewed(by_id + R"(,"when":{"column":"price","in":[5]})", table);
    REQUIRE(sql_of_one(all, severity::warn, "price (numeric(10,2)); write exactly that").empty());
    REQUIRE(reviewed(by_id + R"(,"when":{"column":"price","null":false})", table).empty());
}
