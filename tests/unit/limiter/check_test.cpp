#include "services/limiter/check.hpp"

#include <map>

#include <catch2/catch.hpp>

using namespace shoal::limiter;

TEST_CASE("check: the query names rule, key, cost and how to refuse", "[limiter]")
{
    const auto full = read_check("rule=demo&key=a%2Fb+c&cost=3&deny=429");
    REQUIRE(full->rule == "demo");
    REQUIRE(full->key->view() == "a/b+c");
    REQUIRE(full->cost == 3);
    REQUIRE(full->refused == 429);
    const auto least = read_check("rule=demo");
    REQUIRE_FALSE(least->key);
    REQUIRE(least->cost == 1);
    REQUIRE(least->refused == 403);
    REQUIRE(read_check("rule=demo&deny=403")->refused == 403);
}

TEST_CASE("check: everything from path= on belongs to somebody else", "[limiter]")
{
    const auto read = read_check("rule=demo&key=alice&path=/orders?rule=other&key=%zz&cost=0");
    REQUIRE(read->rule == "demo");
    REQUIRE(read->key->view() == "alice");
    REQUIRE(read->cost == 1);
    REQUIRE(read_check("rule=demo&path")->rule == "demo");
}

TEST_CASE("check: what is malformed is refused with 400 and a reason", "[limiter]")
{
    const auto [query, reason] = GENERATE(table<std::string, std::string>({
        {"", "no rule"},
        {"key=alice", "no rule"},
        {"path=/x&rule=demo", "no rule"},
        {"rule=&key=alice", "rule is empty"},
        {"rule=demo&key=", "key is empty"},
        {"rule=demo&key=%zz", "hexadecimal"},
        {"rule=demo&cost=0", "cost"},
        {"rule=demo&cost=x", "cost"},
        {"rule=demo&deny=500", "403 or 429"},
        {"rule=demo&deny=", "403 or 429"},
        {"rule=demo&keys=alice", "unknown query parameter"},
        {"rule=demo&rule=demo", "rule stands twice"},
        {"rule=demo&key=a&key=b", "key stands twice"},
        {"rule=demo&cost=1&cost=1", "cost stands twice"},
        {"rule=demo&deny=403&deny=403", "deny stands twice"},
    }));
    CAPTURE(query);
    const auto read = read_check(query);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == 400);
    REQUIRE_THAT(read.error().detail, Catch::Contains(reason));
}

TEST_CASE("check: headers make the key, in the order of the rule", "[limiter]")
{
    const std::multimap<std::string, std::string_view> sent{{"X-Api-Key", "k1"}, {"X-Tenant", "t,1"},
                                                            {"X-Twice", "a"},    {"X-Twice", "b"},
                                                            {"X-Empty", ""},     {"X-Odd", "\xFF"}};
    const auto values_of = [&sent](std::string_view name) {
        std::vector<std::string_view> found;
        for (auto [at, end] = sent.equal_range(std::string{name}); at != end; ++at) found.push_back(at->second);
        return found;
    };
    REQUIRE(key_of_headers({"X-Api-Key"}, values_of)->view() == "k1");
    REQUIRE(key_of_headers({"X-Tenant", "X-Api-Key"}, values_of)->view() == "t,1,k1");
    REQUIRE(key_of_headers({"X-Empty", "X-Api-Key"}, values_of)->view() == ",k1");

    const auto [names, reason] = GENERATE(table<std::vector<std::string>, std::string>({
        {std::vector<std::string>{}, "key_headers"},
        {std::vector<std::string>{"X-Api-Key", "X-Absent"}, "X-Absent, which the request does not have"},
        {std::vector<std::string>{"X-Twice"}, "X-Twice, which stands twice"},
        {std::vector<std::string>{"X-Empty"}, "empty"},
        {std::vector<std::string>{"X-Odd"}, "UTF-8"},
    }));
    const auto read = key_of_headers(names, values_of);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == 400);
    REQUIRE_THAT(read.error().detail, Catch::Contains(reason));
}
