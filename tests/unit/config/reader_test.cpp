#include "common/config/reader.hpp"
#include "common/config/duration.hpp"
#include "common/config/size.hpp"

#include <fmt/format.h>
#include <catch2/catch.hpp>

using namespace shoal::config;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

/// Every complaint about one object that `read` reads to its end.
template <class Read>
std::string complaints(const char* text, Read read)
{
    const json from = json::parse(text);
    problems found{"f"};
    object top{from, "$", found};
    read(top);
    top.done();
    return found.text();
}

enum class policy { deny, allow };

}  // namespace

TEST_CASE("config: fields are read by their types and nothing is complained about", "[config]")
{
    const auto read = [](object& from) {
        CHECK(from.text("name") == "demo");
        CHECK(from.integer("limit", {1, 100}) == 10);
        CHECK(from.boolean("on") == true);
        CHECK(from.duration("period", {1ms, 1h}) == 60s);
        CHECK(from.one_of<policy>("without", {{"deny", policy::deny}, {"allow", policy::allow}}) == policy::allow);
        CHECK(from.has("limit"));
        CHECK_FALSE(from.has("other"));
    };
    CHECK(complaints(R"({"name":"demo","limit":10,"on":true,"period":"60s","without":"allow"})", read).empty());
}

TEST_CASE("config: an absent field reads as its fallback, or is missing when it has none", "[config]")
{
    CHECK(complaints("{}", [](object& from) {
              CHECK(from.text("name", "x") == "x");
              CHECK(from.integer("limit", {1, 100}, 7) == 7);
              CHECK(from.boolean("on", true));
              CHECK(from.duration("period", {1ms, 1h}, 5s) == 5s);
              CHECK(from.one_of<policy>("without", {{"allow", policy::allow}}, policy::deny) == policy::deny);
          }).empty());
    CHECK(complaints("{}",
                     [](object& from) {
                         (void)from.text("name");
                         CHECK(from.integer("limit", {1, 100}) == 1);  // something in range, since it is refused anyway
                         (void)from.boolean("on");
                         CHECK(from.duration("period", {1ms, 1h}) == 1ms);
                         (void)from.one_of<policy>("without", {{"deny", policy::deny}});
                     }) ==
          "f: $.name: is missing\nf: $.limit: is missing\nf: $.on: is missing\nf: $.period: is missing\n"
          "f: $.without: is missing");
}

TEST_CASE("config: a field of the wrong type says what it must be and what it is", "[config]")
{
    const auto read = [](object& from) {
        CHECK(from.text("name", "x") == "x");
        CHECK(from.integer("limit", {1, 100}, 5) == 5);
        CHECK(from.boolean("on", true));
        CHECK(from.duration("period", {1ms, 1h}, 5s) == 5s);
        CHECK(from.one_of<policy>("without", {{"deny", policy::deny}, {"allow", policy::allow}}, policy::allow) ==
              policy::allow);
    };
    CHECK(complaints(R"({"name":1,"limit":"10","on":"yes","period":60,"without":"maybe"})", read) ==
          "f: $.name: must be a string, is 1\n"
          "f: $.limit: must be an integer from 1 to 100, is \"10\"\n"
          "f: $.on: must be true or false, is \"yes\"\n"
          "f: $.period: must be a duration from \"1ms\" to \"1h\" (a whole number and us, ms, s, m, h or d), is 60\n"
          "f: $.without: must be one of \"deny\", \"allow\", is \"maybe\"");
    CHECK(complaints(R"({"name":null,"limit":[],"on":{}})",
                     [](object& from) {
                         (void)from.text("name", "");
                         (void)from.integer("limit", {}, 0);
                         (void)from.boolean("on", false);
                     }) ==
          "f: $.name: must be a string, is null\nf: $.limit: must be an integer, is an array\n"
          "f: $.on: must be true or false, is an object");
}

TEST_CASE("config: integers are whole, in range, and do not wrap", "[config]")
{
    const auto complaint = [](const char* value, integer_range range) {
        return complaints(fmt::format(R"({{"n":{}}})", value).c_str(),
                          [range](object& from) { CHECK(from.integer("n", range, 42) == 42); });
    };
    CHECK(complaint("1e3", {}) == "f: $.n: must be an integer, is 1000.0");
    CHECK(complaint("1.0", {}) == "f: $.n: must be an integer, is 1.0");
    CHECK(complaint("9223372036854775808", {}) == "f: $.n: must be an integer, is 9223372036854775808");
    CHECK(complaint("18446744073709551615", {}) == "f: $.n: must be an integer, is 18446744073709551615");
    CHECK_FALSE(complaint("18446744073709551616", {}).empty());
    CHECK(complaint("0", {.least = 1}) == "f: $.n: must be an integer of at least 1, is 0");
    CHECK(complaint("6", {.most = 5}) == "f: $.n: must be an integer of at most 5, is 6");
    CHECK(complaint("-1", {0, 9}) == "f: $.n: must be an integer from 0 to 9, is -1");

    for (const auto value : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()})
        CHECK(complaints(fmt::format(R"({{"n":{}}})", value).c_str(), [value](object& from) {
                  CHECK(from.integer("n", {}) == value);
              }).empty());
}

TEST_CASE("config: both ends of a range are in it", "[config]")
{
    const auto complaint = [](int number, const char* length) {
        return complaints(fmt::format(R"({{"n":{},"d":"{}"}})", number, length).c_str(), [](object& from) {
            (void)from.integer("n", {1, 3});
            (void)from.duration("d", {1s, 3s});
        });
    };
    CHECK(complaint(1, "1s").empty());
    CHECK(complaint(3, "3s").empty());
    CHECK_FALSE(complaint(0, "1s").empty());
    CHECK_FALSE(complaint(4, "1s").empty());
    CHECK_FALSE(complaint(1, "999ms").empty());
    CHECK_FALSE(complaint(1, "3001ms").empty());
}

TEST_CASE("config: a duration is a whole number and a unit", "[config]")
{
    CHECK(parse_duration("250us") == 250us);
    CHECK(parse_duration("50ms") == 50ms);
    CHECK(parse_duration("60s") == 60s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("7d") == 168h);
    CHECK(parse_duration("0s") == 0s);
    for (const char* bad : {"", "60", "s", "-1s", "+1s", "1.5s", " 1s", "1 s", "1s ", "1S", "1min", "1e3s", "0x1s",
                            "1sec", "9223372036854775808us", "9223372036854775807s", "106751992d"}) {
        INFO(bad);
        CHECK_FALSE(parse_duration(bad));
    }
    for (const char* text : {"250us", "50ms", "59s", "5m", "1h", "7d", "0s"})
        CHECK(format_duration(*parse_duration(text)) == text);
    CHECK(format_duration(60s) == "1m");
    CHECK(format_duration(1001ms) == "1001ms");
}

TEST_CASE("config: a size is a whole number and a unit of 1024", "[config]")
{
    CHECK(parse_size("512b") == 512);
    CHECK(parse_size("16kb") == 16 * 1024);
    CHECK(parse_size("64mb") == 64 * 1024 * 1024);
    CHECK(parse_size("2gb") == INT64_C(2) * 1024 * 1024 * 1024);
    for (const char* bad : {"", "64", "mb", "-1mb", "1.5gb", " 1mb", "1 mb", "1MB", "1m", "1mib", "1tb",
                            "9223372036854775808b", "8589934592gb"}) {
        INFO(bad);
        CHECK_FALSE(parse_size(bad));
    }
    for (const char* text : {"0b", "512b", "1kb", "64mb", "2gb"}) CHECK(format_size(*parse_size(text)) == text);
    CHECK(format_size(1025) == "1025b");
}

TEST_CASE("config: a size out of its range is refused with both ends", "[config]")
{
    const auto complaint = [](const char* size) {
        return complaints(fmt::format(R"({{"room":{}}})", size).c_str(), [](object& from) {
            (void)from.size("room", {1024, 1 << 20}, 2048);
        });
    };
    CHECK(complaint("\"1kb\"").empty());
    CHECK(complaint("\"1mb\"").empty());
    CHECK_FALSE(complaint("\"1025kb\"").empty());
    CHECK(complaint("\"1023b\"") ==
          "f: $.room: must be a size from \"1kb\" to \"1mb\" (a whole number and b, kb, mb or gb), is \"1023b\"");
    CHECK_FALSE(complaint("4096").empty());
}

TEST_CASE("config: an unknown key is refused with what is known and what was probably meant", "[config]")
{
    const auto read = [](object& from) {
        (void)from.integer("burst", {}, 0);
        (void)from.integer("limit", {}, 0);
    };
    CHECK(complaints(R"({"brust":1})", read) == "f: $.brust: unknown key; did you mean \"burst\"? known: burst, limit");
    CHECK(complaints(R"({"Limit":1})", read) == "f: $.Limit: unknown key; did you mean \"limit\"? known: burst, limit");
    CHECK(complaints(R"({"colour":1})", read) == "f: $.colour: unknown key; known: burst, limit");
    CHECK(complaints(R"({"x":1})", [](object&) {}) == "f: $.x: unknown key; no key is known here");
    CHECK(complaints(R"({"a b\n":1})", [](object&) {}) == "f: $[\"a b\\n\"]: unknown key; no key is known here");
}

TEST_CASE("config: paths lead through objects and arrays", "[config]")
{
    const char* text = R"({"http":{"idle":"5"},"rules":[{"name":"a"},{"nmae":"b"},7]})";
    const auto read = [](object& from) {
        object http = from.child("http");
        (void)http.duration("idle", {}, 1s);
        http.done();
        for (object& rule : from.children("rules", 10)) {
            (void)rule.text("name");
            rule.done();
        }
    };
    CHECK(complaints(text, read) ==
          "f: $.http.idle: must be a duration from \"0s\" to \"366d\" (a whole number and us, ms, s, m, h or d), is "
          "\"5\"\n"
          "f: $.rules[2]: must be an object, is 7\n"
          "f: $.rules[1].name: is missing\n"
          "f: $.rules[1].nmae: unknown key; did you mean \"name\"? known: name");
}

TEST_CASE("config: an absent object is empty and an absent array has no elements", "[config]")
{
    CHECK(complaints("{}", [](object& from) {
              object http = from.child("http");
              CHECK(http.text("name", "x") == "x");
              CHECK_FALSE(http.has("name"));
              http.done();
              CHECK(from.children("rules", 10).empty());
              CHECK(from.raw("rules") == nullptr);
          }).empty());
}

TEST_CASE("config: what must be an object or an array of bounded length is refused otherwise", "[config]")
{
    const auto read = [](object& from) {
        object http = from.child("http");
        CHECK(http.integer("idle", {}, 3) == 3);
        http.done();
        CHECK(from.children("rules", 2).empty());
    };
    CHECK(complaints(R"({"http":[],"rules":{}})", read) ==
          "f: $.http: must be an object, is an array\nf: $.rules: must be an array of objects, is an object");
    CHECK(complaints(R"({"rules":[{},{},{}]})", read) == "f: $.rules: has 3 entries; at most 2 are allowed");
}

TEST_CASE("config: a service's own complaint stands with the others, and a long value is cut", "[config]")
{
    CHECK(complaints(R"({"a":1})", [](object& from) {
              (void)from.integer("a", {});
              from.problem("a", "must be below b");
              CHECK(from.path("a") == "$.a");
              CHECK(from.path("") == "$");
          }) == "f: $.a: must be below b");
    const std::string longer = complaints(("{\"a\":\"" + std::string(5000, 'x') + "\"}").c_str(),
                                          [](object& from) { (void)from.integer("a", {}, 1); });
    CHECK(longer.size() < 200);
}
