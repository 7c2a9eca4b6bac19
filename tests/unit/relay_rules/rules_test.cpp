#include "services/relay/rules/rules.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/samples.hpp"

using namespace shoal::relay;
using namespace shoal::relay::test;

namespace {

/// What is said of one rule.
std::string problems_of(const std::string& json)
{
    return read(R"({"rules":[)" + json + "]}").problems;
}

bool says(const std::string& all, const std::string& part)
{
    INFO(all);
    INFO(part);
    CHECK(all.find(part) != std::string::npos);
    return all.find(part) != std::string::npos;
}

std::string repeated(const std::string& text, std::size_t count)
{
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += (i == 0 ? "" : ",") + text;
    return all;
}

const std::string least = R"({"table":"product","tags":["product:{id}"]})";

}  // namespace

TEST_CASE("rules: none are needed, and other fields of the section are left alone", "[relay]")
{
    const auto [made, problems] = read(R"({"slot":"shoal"})");
    REQUIRE(problems.empty());
    REQUIRE(made.empty());
}

TEST_CASE("rules: what is left out has its default", "[relay]")
{
    const auto made = one_rule(least);
    REQUIRE(made.table == table_name{"public", "product"});
    REQUIRE(made.tags.front().text() == "product:{id}");
    REQUIRE(made.on == operations{true, true, true, true});
    REQUIRE_FALSE(made.when);
    REQUIRE(made.table_tag == "table:public.product");
    REQUIRE_FALSE(made.soft);
    REQUIRE_FALSE(made.ignores_old_values);
    REQUIRE(made.most_rows == 1000);
}

TEST_CASE("rules: every field is read", "[relay]")
{
    const auto made = one_rule(R"({"table":"\"Shop\".item","tags":["a:{a}","all"],"on":["update","delete"],
        "when":{"column":"status","in":["published",true,7,"7"]},"table_tag":"items","soft":true,
        "old_values":"ignore","most_rows":5})");
    REQUIRE(made.table == table_name{"Shop", "item"});
    REQUIRE(made.tags.size() == 2);
    REQUIRE(made.on == operations{false, true, true, false});
    REQUIRE(made.when == filter{"status", filter::test::in, {"7", "published", "t"}});
    REQUIRE(made.table_tag == "items");
    REQUIRE(made.soft);
    REQUIRE(made.ignores_old_values);
    REQUIRE(made.most_rows == 5);
}

TEST_CASE("rules: the default tag of a table is a tag whatever the table is called", "[relay]")
{
    REQUIRE(one_rule(R"({"table":"\"Odd, S\".\"100%{\"","tags":["a"]})").table_tag == "table:Odd%2C%20S.100%25{");
}

TEST_CASE("rules: two may be about one table and have one table_tag", "[relay]")
{
    const auto [made, problems] = read(R"({"rules":[)" + repeated(least, 2) + "]}");
    REQUIRE(problems.empty());
    REQUIRE(made.size() == 2);
}

TEST_CASE("rules: what is shown is everything in effect, and reads as the same rule", "[relay]")
{
    const char* const odd = R"({"table":"\"S\".\"T \"\"x\"\"\"","tags":["{{{\"A b\"}"],"on":["insert"],
        "when":{"column":"\"C\"","not_in":["a",false]},"soft":true,"old_values":"ignore","most_rows":1})";
    const char* const without = R"({"table":"t","tags":["a"],"when":{"column":"c","null":true},"table_tag":"x"})";
    const char* const braced = R"({"table":"\"{\"","tags":["a"],"when":{"column":"c","null":false}})";
    const auto text = GENERATE_COPY(as<std::string>{}, least, odd, without, braced);
    const auto made = one_rule(text);
    REQUIRE(one_rule(to_json(made).dump()) == made);
    REQUIRE(to_json(one_rule(least)) == nlohmann::json::parse(R"({"table":"public.product","tags":["product:{id}"],
                "on":["insert","update","delete","truncate"],"table_tag":"table:public.product","soft":false,
                "old_values":"needed","most_rows":1000})"));
}

TEST_CASE("rules: a mistake is told with its path, what it is and what is allowed", "[relay]")
{
    const std::string at = "shoal.json: $.services.relay.rules[0].";
    REQUIRE(says(problems_of(R"({"tags":["a"]})"), at + "table: is missing"));
    REQUIRE(says(problems_of(R"({"table":"a.b.c","tags":["a"]})"), at + R"(table: "a.b.c" is not a table's name)"));
    REQUIRE(says(problems_of(R"({"table":"t"})"), at + "tags: must be an array of 1 to 32 templates"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":[]})"), at + "tags: must be an array"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":"a"})"), at + "tags: must be an array"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a",7]})"), at + "tags: has an entry that is no string"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a:{id"]})"), at + R"(tags: "a:{id" has a '{' that is never)"));
    REQUIRE(
        says(problems_of(R"({"table":"t","tags":["a"],"tag":"b"})"), at + R"(tag: unknown key; did you mean "tags")"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a"],"on":[]})"), at + "on: must be an array of some of"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a"],"on":["upsert"]})"),
                 at + R"(on: must be an array of some of "insert")"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a"],"on":"insert"})"), at + "on: must be"));
    REQUIRE(
        says(problems_of(R"({"table":"t","tags":["a"],"table_tag":"a b"})"), at + R"(table_tag: "a b" has a space)"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a"],"table_tag":""})"), at + R"(table_tag: "" is empty)"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a"],"table_tag":"a:{id}"})"), at + "table_tag: has a brace"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a"],"soft":1})"), at + "soft: must be true or false"));
    REQUIRE(
        says(problems_of(R"({"table":"t","tags":["a"],"old_values":"drop"})"), at + R"(old_values: must be one of)"));
    REQUIRE(
        says(problems_of(R"({"table":"t","tags":["a"],"most_rows":0})"), at + "most_rows: must be an integer from 1"));
    REQUIRE(says(problems_of(R"({"table":"t","tags":["a"],"most_rows":100001})"), at + "most_rows: must be"));
    REQUIRE(says(problems_of("7"), "rules[0]: must be an object"));
}

TEST_CASE("rules: a mistake in a filter is told with its path", "[relay]")
{
    const auto when = [](const std::string& text) {
        return problems_of(R"({"table":"t","tags":["a"],"when":)" + text + "}");
    };
    const std::string at = "$.services.relay.rules[0].when";
    REQUIRE(says(when("7"), at + ": must be an object"));
    REQUIRE(says(when(R"({"in":["a"]})"), at + ".column: is missing"));
    REQUIRE(says(when(R"({"column":"a b","in":["a"]})"), at + ".column: is not a column's name"));
    REQUIRE(says(when(R"({"column":"c"})"), at + ": must have exactly one of"));
    REQUIRE(says(when(R"({"column":"c","in":["a"],"null":true})"), at + ": must have exactly one of"));
    REQUIRE(says(when(R"({"column":"c","in":[]})"), at + ".in: must be an array of 1 to 1000"));
    REQUIRE(says(when(R"({"column":"c","not_in":"a"})"), at + ".not_in: must be an array of 1 to 1000"));
    REQUIRE(says(when(R"({"column":"c","in":[1.5]})"), at + ".in: may have strings, whole numbers"));
    REQUIRE(says(when(R"({"column":"c","in":[null]})"), at + ".in: may have strings, whole numbers"));
    REQUIRE(says(when(R"({"column":"c","null":"x"})"), at + ".null: must be true or false"));
    REQUIRE(says(when(R"({"column":"c","in":["a"],"is":1})"), at + ".is: unknown key"));
    REQUIRE(says(when(R"({"column":"c","in":[)" + repeated("\"a\"", 1001) + "]}"), at + ".in: must be an array"));
}

TEST_CASE("rules: at most 1,000, of at most 32 tags", "[relay]")
{
    REQUIRE(problems_of(repeated(least, 1000)).empty());
    REQUIRE(says(problems_of(repeated(least, 1001)), "$.services.relay.rules: has 1001 entries; at most 1000"));
    const auto with_tags = [](std::size_t count) {
        return R"({"table":"t","tags":[)" + repeated("\"a\"", count) + "]}";
    };
    REQUIRE(problems_of(with_tags(32)).empty());
    REQUIRE(says(problems_of(with_tags(33)), "tags: must be an array of 1 to 32"));
}
