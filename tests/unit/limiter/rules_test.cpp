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
    REQUIRE(made[0].name == "demo");
    REQUIRE(made[0].limit == 10);
    REQUIRE(made[0].period_us == 60'000'000);
    REQUIRE(made[0].decide.burst == 10);
    REQUIRE(made[1].name == "bulk");
    REQUIRE(made[1].limit == 100'000);
    REQUIRE(made[1].period_us == 1'000'000);
    REQUIRE(made[1].decide.burst == 100'000);
    REQUIRE(made[1].max_cost == 100'000);
}

TEST_CASE("rules: every field of gcra is read, the rest has its default", "[limiter]")
{
    const auto [made, problems] = read_text(R"({"rules":[
        {"name":"a","algorithm":"gcra","limit":5,"period":"1h","burst":20,"max_cost":4,"without_redis":"local",
         "shadow":true,"headers":"x-ratelimit","key_headers":["X-Api-Key","Host"]},
        {"name":"b","limit":6,"period":"500ms"}]})");
    REQUIRE(problems.empty());
    REQUIRE(made[0].decide == make_rate(5, 3'600'000'000, 20));
    REQUIRE(made[0].max_cost == 4);
    REQUIRE(made[0].outage == without_redis::local);
    REQUIRE(made[0].shadow);
    REQUIRE(made[0].headers == dialect::x_ratelimit);
    REQUIRE(made[0].key_headers == std::vector<std::string>{"X-Api-Key", "Host"});
    REQUIRE(made[0].version == 7);
    REQUIRE(made[1].kind == algorithm::gcra);
    REQUIRE(made[1].decide == make_rate(6, 500'000, 6));
    REQUIRE(made[1].max_cost == 6);
    REQUIRE(made[1].outage == without_redis::deny);
    REQUIRE_FALSE(made[1].shadow);
    REQUIRE(made[1].headers == dialect::ratelimit);
    REQUIRE(made[1].key_headers.empty());
}

TEST_CASE("rules: a window has a calendar, and may all be taken at once", "[limiter]")
{
    const auto [made, problems] = read_text(R"({"rules":[
        {"name":"a","algorithm":"window","limit":500,"period":"month","time_zone":"Europe/Stockholm","max_cost":50},
        {"name":"b","algorithm":"window","limit":7,"period":"second"}]})");
    REQUIRE(problems.empty());
    REQUIRE(made[0].kind == algorithm::window);
    REQUIRE(made[0].windows->length() == span::month);
    REQUIRE(made[0].windows->zone() == "Europe/Stockholm");
    REQUIRE(made[0].limit == 500);
    REQUIRE(made[0].max_cost == 50);
    REQUIRE(made[0].period_us == 2'592'000'000'000);
    REQUIRE(made[0].version == 7);
    REQUIRE(made[1].windows->zone() == "UTC");
    REQUIRE(made[1].max_cost == 7);
    REQUIRE(made[1].period_us == 1'000'000);
}

TEST_CASE("rules: slots have a longest ttl", "[limiter]")
{
    const auto [made, problems] = read_text(R"({"rules":[
        {"name":"a","algorithm":"concurrency","limit":3,"max_ttl":"2m"},
        {"name":"b","algorithm":"concurrency","limit":1}]})");
    REQUIRE(problems.empty());
    REQUIRE(made[0].kind == algorithm::concurrency);
    REQUIRE(made[0].limit == 3);
    REQUIRE(made[0].max_ttl_ms == 120'000);
    REQUIRE(made[0].max_cost == 1);
    REQUIRE(made[0].version == 7);
    REQUIRE(made[1].max_ttl_ms == 600'000);
}

TEST_CASE("rules: what is wrong is named with its path", "[limiter]")
{
    const auto [rule, where, what] = GENERATE(table<std::string, std::string, std::string>({
        {R"({"limit":5,"period":"1h"})", "[0].name", ""},
        {R"({"name":"A b","limit":5,"period":"1h"})", "[0].name", "a-z"},
        {R"({"name":"a","limit":0,"period":"1h"})", "[0].limit", "1"},
        {R"({"name":"a","limit":"5","period":"1h"})", "[0].limit", ""},
        {R"({"name":"a","limit":5})", "[0].period", "missing"},
        {R"({"name":"a","limit":5,"period":"1 fortnight"})", "[0].period", ""},
        {R"({"name":"a","limit":5,"period":"1h","burst":0})", "[0].burst", ""},
        {R"({"name":"a","limit":1,"period":"1d","burst":1000})", "[0].burst", "366 days"},
        {R"({"name":"a","limit":5,"period":"1h","max_cost":6})", "[0].max_cost", "5"},
        {R"({"name":"a","limit":5,"period":"1h","without_redis":"shrug"})", "[0].without_redis", "local"},
        {R"({"name":"a","limit":5,"period":"1h","algorithm":"magic"})", "[0].algorithm", "concurrency"},
        {R"({"name":"a","limit":5,"period":"1h","headers":"loud"})", "[0].headers", "x-ratelimit"},
        {R"({"name":"a","limit":5,"period":"1h","shadow":"yes"})", "[0].shadow", "true or false"},
        {R"({"name":"a","limit":5,"period":"1h","brust":6})", "[0].brust", "burst"},
        {R"({"name":"a","limit":5,"period":"1h"},{"name":"a","limit":5,"period":"1h"})", "[1].name", "twice"},
    }));
    CAPTURE(rule);
    const auto problems = read_text("{\"rules\":[" + rule + "]}").problems;
    REQUIRE_THAT(problems, Catch::Contains("shoal.json: $.services.limiter.rules" + where));
    REQUIRE_THAT(problems, Catch::Contains(what));
}

TEST_CASE("rules: a field of another algorithm is refused, with where it belongs", "[limiter]")
{
    const auto [rule, where, what] = GENERATE(table<std::string, std::string, std::string>({
        {R"("limit":5,"period":"1h","time_zone":"UTC")", "time_zone", R"("algorithm": "window")"},
        {R"("limit":5,"period":"1h","max_ttl":"1m")", "max_ttl", R"("algorithm": "concurrency")"},
        {R"("algorithm":"window","limit":5,"period":"day","burst":5)", "burst", R"("algorithm": "gcra")"},
        {R"("algorithm":"window","limit":5,"period":"day","max_ttl":"1m")", "max_ttl", R"("algorithm": "concurrency")"},
        {R"("algorithm":"window","limit":5,"period":"24h")", "period", R"("second", "minute", "hour", "day", "week")"},
        {R"("algorithm":"window","limit":5)", "period", "missing"},
        {R"("algorithm":"window","limit":5,"period":"day","max_cost":6)", "max_cost", "5"},
        {R"("algorithm":"concurrency","limit":5,"period":"1h")", "period", "leave it out"},
        {R"("algorithm":"concurrency","limit":5,"burst":5)", "burst", R"("algorithm": "gcra")"},
        {R"("algorithm":"concurrency","limit":5,"time_zone":"UTC")", "time_zone", R"("algorithm": "window")"},
        {R"("algorithm":"concurrency","limit":5,"max_cost":1)", "max_cost", "leave it out"},
        {R"("algorithm":"concurrency","limit":5,"max_ttl":"99ms")", "max_ttl", "100ms"},
        {R"("algorithm":"concurrency","limit":5,"max_ttl":"25h")", "max_ttl", "1d"},
        {R"("algorithm":"concurrency","limit":100001)", "limit", "100000"},
    }));
    CAPTURE(rule);
    const auto problems = read_text(R"({"rules":[{"name":"a",)" + rule + "}]}").problems;
    REQUIRE_THAT(problems, Catch::Contains("rules[0]." + where));
    REQUIRE_THAT(problems, Catch::Contains(what));
    REQUIRE_THAT(problems, !Catch::Contains("\n"));
}

TEST_CASE("rules: a time zone that nobody knows is named, with one that exists", "[limiter]")
{
    const auto problems =
        read_text(
            R"({"rules":[{"name":"a","algorithm":"window","limit":5,"period":"day","time_zone":"Europe/Atlantis"}]})")
            .problems;
    REQUIRE_THAT(problems, Catch::Contains("$.services.limiter.rules[0].time_zone"));
    REQUIRE_THAT(problems, Catch::Contains("Europe/Atlantis"));
    REQUIRE_THAT(problems, Catch::Contains("Europe/Stockholm"));
}

TEST_CASE("rules: key_headers are one to four different header names", "[limiter]")
{
    const auto listed = GENERATE(as<std::string>{}, R"([])", R"("X-Api-Key")", R"(["a","b","c","d","e"])", R"([""])",
                                 R"(["X Api"])", R"(["X-Api:"])", R"([7])", R"(["Host","hOST"])");
    CAPTURE(listed);
    const auto problems =
        read_text(R"({"rules":[{"name":"a","limit":5,"period":"1h","key_headers":)" + listed + "}]}").problems;
    REQUIRE_THAT(problems, Catch::Contains("rules[0].key_headers"));
    REQUIRE_THAT(problems, Catch::Contains("X-Api-Key"));
}

TEST_CASE("rules: JSON shows everything in effect, and reads back as the same", "[limiter]")
{
    const auto made = read_text(R"({"rules":[
        {"name":"a","limit":5,"period":"3600s","shadow":true,"headers":"none","key_headers":["Host"]},
        {"name":"b","algorithm":"window","limit":7,"period":"week","time_zone":"Europe/Stockholm","without_redis":"allow"},
        {"name":"c","algorithm":"concurrency","limit":3,"without_redis":"local","headers":"x-ratelimit"}]})")
                          .made;
    using nlohmann::json;
    REQUIRE(to_json(made[0]) == json::parse(R"({"name":"a","algorithm":"gcra","limit":5,"period":"1h","burst":5,
        "max_cost":5,"without_redis":"deny","shadow":true,"headers":"none","key_headers":["Host"]})"));
    REQUIRE(to_json(made[1]) == json::parse(R"({"name":"b","algorithm":"window","limit":7,"period":"week",
        "time_zone":"Europe/Stockholm","max_cost":7,"without_redis":"allow","shadow":false,"headers":"ratelimit",
        "key_headers":[]})"));
    REQUIRE(to_json(made[2]) == json::parse(R"({"name":"c","algorithm":"concurrency","limit":3,"max_ttl":"10m",
        "without_redis":"local","shadow":false,"headers":"x-ratelimit","key_headers":[]})"));
}
