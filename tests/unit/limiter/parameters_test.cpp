#include "services/limiter/parameters.hpp"

#include <catch2/catch.hpp>

using namespace shoal::limiter;

TEST_CASE("key: percent-encoded UTF-8 of up to 512 bytes", "[limiter]")
{
    REQUIRE(read_key("alice")->view() == "alice");
    REQUIRE(read_key("a%2Fb%3Fc+d")->view() == "a/b?c+d");
    REQUIRE(read_key("%C3%A9")->view() == "\xC3\xA9");
    REQUIRE(read_key("%00")->view() == std::string(1, '\0'));
    REQUIRE(read_key(std::string(512, 'x'))->view().size() == 512);
}

TEST_CASE("key: what is seen of it stays where it is when it is moved", "[limiter]")
{
    auto read = read_key("%61");
    const auto seen = read->view();
    const auto moved = std::move(*read);
    REQUIRE(moved.view().data() == seen.data());
    REQUIRE(seen == "a");
}

TEST_CASE("key: what is malformed is refused with 400 and a reason", "[limiter]")
{
    const auto [segment, reason] = GENERATE(table<std::string, std::string>({
        {"100%", "hexadecimal"},
        {"%4", "hexadecimal"},
        {"%GG", "hexadecimal"},
        {"%FF", "UTF-8"},
        {"%C0%80", "UTF-8"},
        {"%ED%A0%80", "UTF-8"},
        {"\xFF", "UTF-8"},
        {std::string(513, 'x'), "512 bytes"},
        {"", "empty"},
    }));
    const auto read = read_key(segment);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == 400);
    REQUIRE_THAT(read.error().detail, Catch::Contains(reason));
}

TEST_CASE("cost: 1 unless the query or the body says otherwise", "[limiter]")
{
    REQUIRE(*read_cost("", "") == 1);
    REQUIRE(*read_cost("cost=3", "") == 3);
    REQUIRE(*read_cost("", R"({"cost":4})") == 4);
    REQUIRE(*read_cost("", "{}") == 1);
    REQUIRE(*read_cost("cost=5", R"({"cost":5})") == 5);
    REQUIRE(*read_cost("cost=99999999999999999999", "") == INT64_MAX);
    REQUIRE(*read_cost("", R"({"cost":18446744073709551615})") == INT64_MAX);
}

TEST_CASE("cost: what is malformed is refused with 400", "[limiter]")
{
    const auto [query, body] = GENERATE(table<std::string, std::string>({
        {"cost=0", ""},
        {"cost=-1", ""},
        {"cost=-99999999999999999999", ""},
        {"cost=1.5", ""},
        {"cost=", ""},
        {"cost", ""},
        {"cost=3x", ""},
        {"cost=99999999999999999999x", ""},
        {"cost=1&cost=1", ""},
        {"prize=1", ""},
        {"", R"({"cost":"3"})"},
        {"", R"({"cost":1.5})"},
        {"", R"({"cost":0})"},
        {"", R"({"cost":-18446744073709551615})"},
        {"", R"({"prize":1})"},
        {"", R"([1])"},
        {"", R"({"cost":1)"},
        {"", R"({"cost":1,"cost":5})"},
        {"cost=2", R"({"cost":3})"},
    }));
    CAPTURE(query, body);
    const auto read = read_cost(query, body);
    REQUIRE(read.has_error());
    REQUIRE(read.error().status == 400);
    REQUIRE_FALSE(read.error().detail.empty());
}

TEST_CASE("cost: a member that stands twice is named", "[limiter]")
{
    REQUIRE_THAT(read_cost("", R"({"cost":1,"cost":1})").error().detail, Catch::Contains("\"cost\" stands twice"));
}

TEST_CASE("cost: above what the rule allows is 422 and says what it allows", "[limiter]")
{
    REQUIRE_FALSE(refuse_cost(10, 10));
    const auto refused = refuse_cost(11, 10);
    REQUIRE(refused);
    REQUIRE(refused->status == 422);
    REQUIRE_THAT(refused->detail, Catch::Contains("10"));
}

TEST_CASE("idempotency key: 1 to 255 visible ASCII characters", "[limiter]")
{
    REQUIRE_FALSE(refuse_idempotency_key("\"8e03978e-40d5-43dd-bc93-6894a57f9324\""));
    REQUIRE_FALSE(refuse_idempotency_key(std::string(255, '~')));
    const auto wrong = GENERATE(as<std::string>{}, "", "a b", "\x7f", "\xC3\xA9", std::string(256, 'x'));
    const auto refused = refuse_idempotency_key(wrong);
    REQUIRE(refused);
    REQUIRE(refused->status == 400);
}
