#include "common/log/format.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <limits>

using namespace shoal::log;
using namespace std::string_literals;

namespace {

/// 2026-11-22T15:04:05.123456Z
const shoal::wall_clock::time_point moment{std::chrono::microseconds{1795359845123456}};

std::string as_json(std::string_view message, fields values = {})
{
    return json_line({moment, level::info, "limiter-1", message, values});
}

std::string as_text(std::string_view message, fields values = {})
{
    return text_line({moment, level::info, "limiter-1", message, values}, false);
}

}  // namespace

TEST_CASE("log: a JSON line has time, level, worker, message and fields in this order", "[log]")
{
    CHECK(as_json("hello", {{"port", 80}, {"path", "/a"}, {"ok", true}, {"ms", 1.5}}) ==
          R"({"ts":"2026-11-22T15:04:05.123456Z","level":"info","worker":"limiter-1","msg":"hello",)"
          R"("port":80,"path":"/a","ok":true,"ms":1.5})");
}

TEST_CASE("log: the timestamp keeps its six digits, before 1970 as well", "[log]")
{
    const auto stamp = [](std::int64_t us) {
        const shoal::wall_clock::time_point time{std::chrono::microseconds{us}};
        return nlohmann::json::parse(json_line({time, level::info, "", "", {}}))["ts"].get<std::string>();
    };
    CHECK(stamp(0) == "1970-01-01T00:00:00.000000Z");
    CHECK(stamp(7) == "1970-01-01T00:00:00.000007Z");
    CHECK(stamp(-1) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("log: integers keep their digits up to both ends", "[log]")
{
    CHECK_THAT(as_json("", {{"n", std::numeric_limits<std::uint64_t>::max()}}),
               Catch::Contains(":18446744073709551615}"));
    CHECK_THAT(as_json("", {{"n", std::numeric_limits<std::int64_t>::min()}}),
               Catch::Contains(":-9223372036854775808}"));
    CHECK_THAT(as_json("", {{"n", std::numeric_limits<double>::infinity()}}), Catch::Contains(":null}"));
}

TEST_CASE("log: any bytes give one line of valid JSON that says the same", "[log]")
{
    std::string every;
    for (int byte = 0; byte < 128; ++byte) every += static_cast<char>(byte);
    every += "\u20ac\U0001f41f\"\\";
    const std::string line = as_json(every, {{every, every}});
    CHECK(line.find_first_of("\n\r\0"s) == std::string::npos);
    const auto read = nlohmann::json::parse(line);
    CHECK(read["msg"] == every);
    CHECK(read[every] == every);
}

TEST_CASE("log: what is not UTF-8 is replaced, in a name too", "[log]")
{
    const auto read =
        nlohmann::json::parse(as_json("a\xff"
                                      "b\xc3",
                                      {{"k\xff", "\xed\xa0\x80"}}));
    CHECK(read["msg"] == "a\ufffdb\ufffd");
    CHECK(read.contains("k\ufffd"));
}

TEST_CASE("log: a field can't pass for one of the fixed ones, nor for another field", "[log]")
{
    const auto read = nlohmann::json::parse(as_json("hello", {{"level", "error"}, {"n", 1}, {"n", 2}, {"n_", 3}}));
    CHECK(read["level"] == "info");
    CHECK(read["level_"] == "error");
    CHECK(read["n"] == 1);
    CHECK(read["n_"] == 2);
    CHECK(read["n__"] == 3);
}

TEST_CASE("log: a long message or field is cut between characters and says so", "[log]")
{
    const std::string exact(longest_text, 'x');
    CHECK(nlohmann::json::parse(as_json(exact))["msg"] == exact);

    std::string longer = std::string(longest_text - 1, 'x') + "\u20ac and more";
    const auto read = nlohmann::json::parse(as_json(longer, {{"f", longer}}));
    CHECK(read["msg"] == std::string(longest_text - 1, 'x') + "...[12 bytes cut]");
    CHECK(read["f"] == read["msg"]);
    CHECK(as_text(longer, {{"f", longer}}).size() < 2 * longest_text + 100);
}

TEST_CASE("log: a text line is for reading", "[log]")
{
    CHECK(as_text("started", {{"port", 80}, {"path", "/a b"}, {"empty", ""}, {"name", "x"}, {"ok", false}}) ==
          "15:04:05.123 info    limiter-1: started port=80 path=\"/a b\" empty=\"\" name=x ok=false");
    CHECK(text_line({moment, level::warning, "", "m", {}}, false) == "15:04:05.123 warning m");
}

TEST_CASE("log: only the level is coloured, and only when asked for", "[log]")
{
    CHECK(text_line({moment, level::error, "w", "m", {}}, true) == "15:04:05.123 \x1b[31merror  \x1b[0m w: m");
    CHECK(text_line({moment, level::error, "w", "m", {}}, false).find('\x1b') == std::string::npos);
}

TEST_CASE("log: nothing in a text line commands the terminal or begins another line", "[log]")
{
    const std::string hostile = "a\x1b[31m\r\n\x07\x7f\0\t\u009b"s + "\xff\u20ac";
    const std::string expected = "a\\x1b[31m\\x0d\\n\\x07\\x7f\\x00\\t\\x9b\ufffd\u20ac";
    CHECK(as_text(hostile) == "15:04:05.123 info    limiter-1: " + expected);
    CHECK(as_text("m", {{"f", hostile}}) == "15:04:05.123 info    limiter-1: m f=" + expected);
    CHECK(as_text("m", {{"f\x1b", "x"}}).find('\x1b') == std::string::npos);
}
