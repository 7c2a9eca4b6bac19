#include "services/limiter/batch.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace shoal::limiter;

TEST_CASE("batch: checks with their costs, each by itself unless told otherwise", "[limiter]")
{
    const auto read =
        read_batch(R"({"checks":[{"rule":"demo","key":"a/b %41","cost":3},{"rule":"bulk","key":"\u0000"}]})");
    REQUIRE(read->checks.size() == 2);
    REQUIRE(read->checks[0].rule == "demo");
    REQUIRE(read->checks[0].key == "a/b %41");
    REQUIRE(read->checks[0].cost == 3);
    REQUIRE(read->checks[1].key == std::string(1, '\0'));
    REQUIRE(read->checks[1].cost == 1);
    REQUIRE_FALSE(read->all_or_nothing);
    REQUIRE(read_batch(R"({"all_or_nothing":true,"checks":[{"rule":"demo","key":"a"}]})")->all_or_nothing);
}

TEST_CASE("batch: what is malformed is refused with its place", "[limiter]")
{
    const auto [body, reason] = GENERATE(table<std::string, std::string>({
        {"", "checks must be"},
        {"[]", "JSON object"},
        {"{\"checks\":[", "JSON object"},
        {R"({"checks":[]})", "1 to 100"},
        {R"({"checks":{}})", "1 to 100"},
        {R"({"checks":[{"rule":"demo","key":"a"}],"all":true})", "unknown member in the body"},
        {R"({"checks":[{"rule":"demo","key":"a"}],"all_or_nothing":1})", "all_or_nothing"},
        {R"({"checks":[{"rule":"demo","key":"a"},7]})", "checks[1] must be an object"},
        {R"({"checks":[{"rule":"demo","key":"a"},{"key":"a"}]})", "checks[1] has no rule"},
        {R"({"checks":[{"rule":"demo"}]})", "checks[0] has no key"},
        {R"({"checks":[{"rule":7,"key":"a"}]})", "checks[0].rule must be a string"},
        {R"({"checks":[{"rule":"demo","key":null}]})", "checks[0].key must be a string"},
        {R"({"checks":[{"rule":"demo","key":""}]})", "checks[0].key: the key is empty"},
        {R"({"checks":[{"rule":"demo","key":"a","cost":0}]})", "checks[0].cost must be"},
        {R"({"checks":[{"rule":"demo","key":"a","cost":"1"}]})", "checks[0].cost must be"},
        {R"({"checks":[{"rule":"demo","key":"a","prize":1}]})", "checks[0] has an unknown member"},
        {R"({"checks":[{"rule":"demo","key":"a","cost":1,"cost":2}]})", "\"cost\" stands twice"},
        {R"({"checks":[{"rule":"demo","key":"a"}],"checks":[]})", "\"checks\" stands twice"},
        {R"({"checks":[{"rule":"b","key":"k"},{"rule":"a","key":"k"},{"rule":"b","key":"k"}],"all_or_nothing":true})",
         "checks[2] names a key a second time"},
        {"{\"checks\":[{\"rule\":\"demo\",\"key\":\"\xFF\"}]}", "JSON object"},
    }));
    CAPTURE(body);
    const auto read = read_batch(body);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == 400);
    REQUIRE_THAT(read.error().detail, Catch::Contains(reason));
}

TEST_CASE("batch: one hundred checks and not one more, keys of 512 bytes and not one more", "[limiter]")
{
    auto body = nlohmann::json{{"checks", nlohmann::json::array()}};
    for (int i = 0; i < 100; ++i) body["checks"].push_back({{"rule", "demo"}, {"key", std::string(512, 'k')}});
    REQUIRE(read_batch(body.dump())->checks.size() == 100);
    body["checks"][99]["key"] = std::string(513, 'k');
    REQUIRE_THAT(read_batch(body.dump()).error().detail, Catch::Contains("checks[99].key"));
    body["checks"][99]["key"] = "k";
    body["checks"].push_back({{"rule", "demo"}, {"key", "k"}});
    REQUIRE(read_batch(body.dump()).has_error());
}

TEST_CASE("batch: a rule that is not there, counts slots or allows less is refused with its place", "[limiter]")
{
    rule by;
    by.max_cost = 5;
    REQUIRE_FALSE(refuse_check(&by, {.rule = "demo", .key = "a", .cost = 5}, 3));
    const auto above = refuse_check(&by, {.rule = "demo", .key = "a", .cost = 6}, 3);
    REQUIRE(above->status == 422);
    REQUIRE_THAT(above->detail, Catch::Contains("checks[3].cost is above the rule's maximum of 5"));
    const auto absent = refuse_check(nullptr, {.rule = "demo", .key = "a"}, 3);
    REQUIRE(absent->status == 404);
    REQUIRE_THAT(absent->detail, Catch::Contains("checks[3].rule"));
    by.kind = algorithm::concurrency;
    const auto slots = refuse_check(&by, {.rule = "demo", .key = "a"}, 3);
    REQUIRE(slots->status == 409);
    REQUIRE_THAT(slots->detail, Catch::Contains("/slots"));
}

TEST_CASE("batch: everybody takes in one order, by rule and key", "[limiter]")
{
    const auto read = read_batch(R"({"checks":[{"rule":"b","key":"a"},{"rule":"a","key":"b"},{"rule":"a","key":"a"},
                                     {"rule":"a","key":"b","cost":2}]})");
    REQUIRE(taking_order(*read) == std::vector<std::size_t>{2, 1, 3, 0});
}
