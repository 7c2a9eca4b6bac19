#include "tests/load/domain/command_line.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

#include "tests/load/domain/bad_input.hpp"
#include "tests/load/domain/url.hpp"
#include "tests/load/domain/values.hpp"

using namespace shoal::load;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

std::optional<options> parse(std::vector<const char*> words)
{
    words.insert(words.begin(), "shoal-load");
    return parse_command_line(static_cast<int>(words.size()), words.data(), 42);
}

options with(std::vector<const char*> words)
{
    words.insert(words.begin(), {"--url", "http://127.0.0.1:8080/a/{key}"});
    return *parse(words);
}

std::string request(const options& asked, std::uint64_t number = 0)
{
    const keys all{asked.keys, 1};
    std::string text;
    request_template{asked.request}.render({all, 4, number}, text);
    return text;
}

}  // namespace

TEST_CASE("command line: the shortest form is an open loop of 10 s", "[load]")
{
    const auto asked = with({"--rate", "200"});
    CHECK(asked.how == mode::open);
    CHECK(asked.steps == std::vector<load_step>{{arrival_rate{200'000}, 10s}});
    CHECK(asked.seed == 42);
    CHECK(asked.target.port == 8080);
    CHECK_FALSE(asked.remote_allowed);
    CHECK(request(asked) == "GET /a/key-5 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
}

TEST_CASE("command line: rates in steps have a time each, or share one", "[load]")
{
    CHECK(with({"--rate", "1,2,4.5", "--step", "3s"}).steps ==
          std::vector<load_step>{{arrival_rate{1000}, 3s}, {arrival_rate{2000}, 3s}, {arrival_rate{4500}, 3s}});
    CHECK(with({"--rate", "1,2", "--duration", "3s"}).steps ==
          std::vector<load_step>{{arrival_rate{1000}, 1500ms}, {arrival_rate{2000}, 1500ms}});
}

TEST_CASE("command line: a closed loop and a search have what they need", "[load]")
{
    const auto closed = with({"--closed", "500", "--duration", "5s"});
    CHECK(closed.how == mode::closed);
    CHECK(closed.connections == 500);
    const auto search = with({"--find-max", "--slo", "p99=5ms", "--rate", "50"});
    CHECK(search.how == mode::find_max);
    CHECK(search.first_rate == arrival_rate{50'000});
    CHECK(search.trial == 5s);
}

TEST_CASE("command line: what is wrong is named with what is allowed", "[load]")
{
    CHECK_THROWS_WITH(parse({}), Contains("--url is missing"));
    CHECK_THROWS_WITH(with({"--rate", "0"}), Contains("--rate '0'") && Contains("from 0.001 to 1000000"));
    CHECK_THROWS_WITH(with({"--rate", "nan"}), Contains("--rate 'nan'"));
    CHECK_THROWS_WITH(with({"--rate", "1000001"}), Contains("from 0.001 to 1000000"));
    CHECK_THROWS_WITH(with({"--duration", "10"}), Contains("--duration '10'") && Contains("500ms"));
    CHECK_THROWS_WITH(with({"--duration", "25h"}), Contains("at most 1d"));
    CHECK_THROWS_WITH(with({"--rate", "0.001", "--duration", "0s"}), Contains("above 0"));
    CHECK_THROWS_WITH(with({"--connections", "18001"}), Contains("from 1 to 18000"));
    CHECK_THROWS_WITH(with({"--timeout", "11m"}), Contains("at most 10m"));
    CHECK_THROWS_WITH(with({"--closed", "2", "--rate", "1"}), Contains("do not go together"));
    CHECK_THROWS_WITH(with({"--find-max"}), Contains("add --slo"));
    CHECK_THROWS_WITH(with({"--slo", "p99=1ms"}), Contains("--find-max"));
    CHECK_THROWS_WITH(with({"--body", "x"}), Contains("--method"));
    CHECK_THROWS_WITH(with({"--body", "@/nothing/there", "--method", "POST"}), Contains("can't be read"));
    CHECK_THROWS_WITH(with({"--expect-status", "20"}), Contains("--expect-status '20'"));
    CHECK_THROWS_WITH(with({"--expect-status", "300-200"}), Contains("--expect-status"));
    CHECK_THROWS_WITH(with({"--check-admissions", "10"}), Contains("10/60s"));
    CHECK_THROWS_WITH(with({"--pid", "worker"}), Contains("--pid 'worker'"));
    CHECK_THROWS_WITH(with({"--unknown"}), Contains("--unknown"));
    CHECK_THROWS_AS(with({"--rate"}), bad_input);
    CHECK_THROWS_AS(with({"word"}), bad_input);
}

TEST_CASE("command line: a target of others must be told twice", "[load]")
{
    CHECK_THROWS_WITH(with({"--target-is-mine"}), Contains("both --target-is-mine and --really"));
    CHECK_THROWS_WITH(with({"--really"}), Contains("both --target-is-mine and --really"));
    CHECK(with({"--really", "--target-is-mine"}).remote_allowed);
}

TEST_CASE("command line: fields can't break a request, or say what the generator says", "[load]")
{
    CHECK_THROWS_WITH(with({"--header", "A: b\r\nC: d"}), Contains("control characters"));
    CHECK_THROWS_WITH(with({"--header", "no colon"}), Contains("Name: value"));
    CHECK_THROWS_WITH(with({"--header", "host: other"}), Contains("--host"));
    CHECK_THROWS_AS(with({"--header", "content-length: 5"}), bad_input);
    CHECK_THROWS_AS(with({"--host", "a b"}), bad_input);
}

TEST_CASE("request: key and number stand where the template has them", "[load]")
{
    const auto asked = with({"--method", "POST", "--body", "{\"of\":\"{key}\",\"n\":{n}}", "--header",
                             "X-Id: {n}/{key}", "--header", "B: {other}", "--no-keep-alive", "--host", "shop.example"});
    CHECK(request(asked, 12) ==
          "POST /a/key-5 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nX-Id: 12/key-5\r\nB: {other}\r\n"
          "Content-Length: 21\r\n\r\n{\"of\":\"key-5\",\"n\":12}");
}

TEST_CASE("request: methods take turns by their shares", "[load]")
{
    const request_template mixed{with({"--method", "GET=3,POST=1,HEAD"}).request};
    std::map<std::string_view, int> seen;
    for (std::uint64_t i = 0; i < 5000; ++i) ++seen[mixed.method(mixed.method_of(i))];
    CHECK(seen == std::map<std::string_view, int>{{"GET", 3000}, {"POST", 1000}, {"HEAD", 1000}});
    // Spread, not in blocks.
    CHECK(mixed.method(mixed.method_of(0)) == "GET");
    CHECK(mixed.method(mixed.method_of(1)) != mixed.method(mixed.method_of(2)));
    CHECK(mixed.is_idempotent(mixed.method_of(0)));
    CHECK_THROWS_AS(parse_methods("GET=0"), bad_input);
    CHECK_THROWS_AS(parse_methods("GET,,POST"), bad_input);
    CHECK_THROWS_AS(parse_methods("GE T"), bad_input);
}

TEST_CASE("url: host, port and target", "[load]")
{
    const auto plain = parse_url("http://localhost");
    CHECK(plain.host == "localhost");
    CHECK(plain.port == 80);
    CHECK(plain.target == "/");
    const auto six = parse_url("http://[::1]:81?a=b");
    CHECK(six.host == "::1");
    CHECK(six.port == 81);
    CHECK(six.authority == "[::1]:81");
    CHECK(six.target == "/?a=b");
    CHECK(parse_url("http://127.0.0.1:8000{key}").target == "{key}");
    for (const auto* const wrong :
         {"", "127.0.0.1", "https://a/", "http://", "http://a:0/", "http://a:x/", "http://a:65536/", "http://[::1/",
          "http://[::1]x/", "http://a b/", "http://u@a/", "http://a/#x", "http://:80/"})
        CHECK_THROWS_AS(parse_url(wrong), bad_input);
}

TEST_CASE("help: names every option, and none that there is not", "[load]")
{
    std::ifstream file{SHOAL_LOAD_HELP};
    const std::string help{std::istreambuf_iterator<char>{file}, {}};
    REQUIRE_FALSE(help.empty());
    auto names = option_names();
    for (const auto& name : names) CHECK_THAT(help, Contains(name + " ") || Contains(name + "\n"));
    // These two are of scripts/loadtest itself.
    names.insert(names.end(), {"--html", "--fleet"});
    for (auto at = help.find("--"); at != std::string::npos; at = help.find("--", at + 2)) {
        const auto end = help.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
        INFO("in the help: " << help.substr(at, end - at));
        CHECK(std::ranges::find(names, help.substr(at, end - at)) != names.end());
    }
}
