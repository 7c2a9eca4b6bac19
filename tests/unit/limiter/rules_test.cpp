#include "services/limiter/rules.hpp"

#include "common/config/reader.hpp"

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::limiter;

namespace {

struct read {
    rules made;
    std::string problems;
};

read read_text(const std::string& text)
{
    const auto json = nlohmann::json::parse(text);
    config::problems problems{"shoal.json"};
    config::object section{json, "$.services.limiter", problems};
    auto made = read_rules(section, 7);
    return {std::move(made), problems.text()};
}

}  // namespace

TEST_CASE("rules: without any there are demo and bulk", "[limiter]")
{
    const auto [made, problems] = read_text("{}");
    REQUIRE(problems.empty());
    REQUIRE(made.size() == 2);
    const auto* demo = find_rule(made, "demo");
    REQUIRE(demo != nullptr);
    REQUIRE(demo->limit == 10);
    REQUIRE(demo->period_us == 60'000'000);
    REQUIRE(demo->decide.burst == 10);
    const auto* bulk = find_rule(made, "bulk");
    REQUIRE(bulk != nullptr);
    REQUIRE(bulk->limit == 100'000);
    REQUIRE(bulk->period_us == 1'000'000);
    REQUIRE(bulk->decide.burst == 100'000);
}

TEST_CASE("rules: every field is read, the rest has its default", "[limiter]")
{
    const auto [made, problems] = read_text(R"({"rules":[
        {"name":"a","algorithm":"gcra","limit":5,"period":"1h","burst":20,"max_cost":4,"without_redis":"allow"},
        {"name":"b","limit":6,"period":"500ms"}]})");
    REQUIRE(problems.empty());
    REQUIRE(made[0].decide == make_rate(5, 3'600'000'000, 20));
    REQUIRE(made[0].max_cost == 4);
    REQUIRE(made[0].outage == without_redis::allow);
    REQUIRE(made[0].version == 7);
    REQUIRE(made[1].decide == make_rate(6, 500'000, 6));
    REQUIRE(made[1].max_cost == 6);
    REQUIRE(made[1].outage == without_redis::deny);
}

TEST_CASE("rules: what is wrong is named with its path", "[limiter]")
{
    const auto [rule, where, what] = GENERATE(table<std::string, std::string, std::string>({
        {R"({"limit":5,"period":"1h"})", "$.services.limiter.rules[0].name", ""},
        {R"({"name":"A b","limit":5,"period":"1h"})", "$.services.limiter.rules[0].name", "a-z"},
        {R"({"name":"a","limit":0,"period":"1h"})", "$.services.limiter.rules[0].limit", "1"},
        {R"({"name":"a","limit":"5","period":"1h"})", "$.services.limiter.rules[0].limit", ""},
        {R"({"name":"a","limit":5})", "$.services.limiter.rules[0].period", ""},
        {R"({"name":"a","limit":5,"period":"1 fortnight"})", "$.services.limiter.rules[0].period", ""},
        {R"({"name":"a","limit":5,"period":"1h","burst":0})", "$.services.limiter.rules[0].burst", ""},
        {R"({"name":"a","limit":1,"period":"1d","burst":1000})", "$.services.limiter.rules[0].burst", "366 days"},
        {R"({"name":"a","limit":5,"period":"1h","max_cost":6})", "$.services.limiter.rules[0].max_cost", "5"},
        {R"({"name":"a","limit":5,"period":"1h","without_redis":"shrug"})", "$.services.limiter.rules[0].without_redis",
         "deny"},
        {R"({"name":"a","limit":5,"period":"1h","algorithm":"magic"})", "$.services.limiter.rules[0].algorithm",
         "gcra"},
        {R"({"name":"a","limit":5,"period":"1h","brust":6})", "$.services.limiter.rules[0].brust", "burst"},
        {R"({"name":"a","limit":5,"period":"1h"},{"name":"a","limit":5,"period":"1h"})",
         "$.services.limiter.rules[1].name", "twice"},
    }));
    CAPTURE(rule);
    const auto problems = read_text("{\"rules\":[" + rule + "]}").problems;
    REQUIRE_THAT(problems, Catch::Contains("shoal.json: " + where));
    REQUIRE_THAT(problems, Catch::Contains(what));
}
