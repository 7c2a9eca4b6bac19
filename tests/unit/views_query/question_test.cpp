#include "services/views/query/question.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace shoal::views;

namespace {

std::string key_of(std::string_view encoded)
{
    const auto asked = read_entry_question("v", encoded, "");
    REQUIRE(asked.has_value());
    return asked->of.front().key;
}

refusal refused(std::string_view query)
{
    const auto asked = read_entry_question("v", "k", query);
    REQUIRE(asked.has_error());
    return asked.error();
}

refusal refused_several(std::string_view query)
{
    const auto asked = read_several_question("v", query);
    REQUIRE(asked.has_error());
    return asked.error();
}

std::string many(std::size_t count)
{
    std::string made;
    for (std::size_t i = 0; i < count; ++i) made.append("&key=").append(std::to_string(i));
    return made;
}

}  // namespace

TEST_CASE("question: commas stand between columns, and values are percent-encoded", "[views]")
{
    CHECK(key_of("7") == "7");
    CHECK(key_of("7,red") == "7,red");
    CHECK(key_of("a%2Cb") == "a%2Cb");
    CHECK(key_of("a%2cb,%20") == "a%2Cb,%20");
    CHECK(key_of("caf%C3%A9") == "caf\xC3\xA9");
    CHECK(key_of("a%2Fb+c") == "a/b+c");
    CHECK(key_of("100%25") == "100%25");
    CHECK(key_of(",") == ",");
    CHECK(key_of("%00") == "%00");
}

TEST_CASE("question: a key that can't be one is refused", "[views]")
{
    for (const auto* const key : {"%", "%4", "%zz", "a,%", "%FF", "%C3,%A9"})
        CHECK(read_entry_question("v", key, "").error().status == 400);
    CHECK(read_entry_question("v", std::string(1000, 'x'), "").has_value());
    CHECK(read_entry_question("v", std::string(1025, 'x'), "").error().status == 400);
    // It is the text that counts.
    CHECK(read_entry_question("v", std::string(342, ','), "").has_value());
    std::string blanks;
    for (int i = 0; i < 342; ++i) blanks += "%20";
    CHECK(read_entry_question("v", blanks, "").error().status == 400);
}

TEST_CASE("question: a view that can't be is not found", "[views]")
{
    for (const auto* const name : {"", "A", "a.b", "a/b", "a%20", "a:b"})
        CHECK(read_entry_question(name, "k", "").error().status == 404);
    CHECK(read_several_question(std::string(65, 'a'), "key=1").error().status == 404);
    CHECK(read_entry_question(std::string(64, 'a'), "k", "").has_value());
}

TEST_CASE("question: a part of a set", "[views]")
{
    const auto after = to_text(cursor{2, "m"});
    const auto asked = read_entry_question("v", "k", "limit=7&from=-1.5&to=inf&order=desc&&after=" + after);
    REQUIRE(asked.has_value());
    const auto& part = asked->part;
    CHECK(part.limit == 7);
    CHECK(part.from == -1.5);
    CHECK(part.to == std::numeric_limits<double>::infinity());
    CHECK(part.descending);
    CHECK(part.after == cursor{2, "m"});
    CHECK(part.named == "limit");
    CHECK(read_entry_question("v", "k", "")->part.named.empty());
}

TEST_CASE("question: what can't be read is refused, with what is allowed", "[views]")
{
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"limit=0", "1 to 1000"},     {"limit=1001", "1 to 1000"},
        {"limit=-1", "1 to 1000"},    {"limit=", "1 to 1000"},
        {"limit=7x", "1 to 1000"},    {"limit", "1 to 1000"},
        {"from=a", "scores"},         {"to=nan", "scores"},
        {"to=1e999", "scores"},       {"from=1 ", "scores"},
        {"order=up", "asc or desc"},  {"order=", "asc or desc"},
        {"after=x", "next"},          {"after=", "next"},
        {"limit=1&limit=1", "twice"}, {"key=1", "limit, after"},
        {"x=1", "limit, after"},      {"and=v", "VIEW/KEY"},
        {"and=", "VIEW/KEY"},         {"and=%2Fk", "GET /v1/views"},
        {"and=V/k", "GET /v1/views"}, {"and=v/%", "%25"},
    };
    for (const auto& [query, says] : wrong) {
        CAPTURE(query);
        CHECK(refused(query).detail.find(says) != std::string::npos);
    }
}

TEST_CASE("question: an intersection names up to eight others", "[views]")
{
    std::string query;
    for (int i = 0; i < 8; ++i) query += "&and=w/" + std::to_string(i);
    const auto asked = read_entry_question("v", "k", query);
    REQUIRE(asked.has_value());
    CHECK(asked->is == question::form::intersection);
    CHECK(asked->of.size() == 9);
    CHECK(asked->of[8] == place{"w", "7"});
    CHECK(refused(query + "&and=w/8").detail.find("8 times") != std::string::npos);
    CHECK(read_entry_question("v", "k", "and=w%2Fa%2Cb")->of[1] == place{"w", "a%2Cb"});
    CHECK(read_entry_question("v", "k", "and=w/")->of[1] == place{"w", ""});
}

TEST_CASE("question: several keys, each once", "[views]")
{
    const auto asked = read_several_question("v", "key=a&key=b&key=a&key=%61");
    REQUIRE(asked.has_value());
    CHECK(asked->of == std::vector<place>{{"v", "a"}, {"v", "b"}});
    CHECK(read_several_question("v", "key=")->of == std::vector<place>{{"v", ""}});
    CHECK(read_several_question("v", many(100)).has_value());
    CHECK(refused_several(many(101)).detail.find("100 keys") != std::string::npos);
    CHECK(refused_several("").detail.find("no key") != std::string::npos);
    CHECK(refused_several("key=a&and=v/k").detail.find("unknown") != std::string::npos);
    CHECK(refused_several("key=a&after=x").detail.find("one entry") != std::string::npos);
    CHECK(read_several_question("v", many(100) + "&limit=100").has_value());
    CHECK(refused_several(many(100) + "&limit=101").detail.find("10000") != std::string::npos);
}

TEST_CASE("question: the text tells questions apart, however they are written", "[views]")
{
    const auto text = [](std::string_view key, std::string_view query) {
        return read_entry_question("v", key, query).value().text;
    };
    CHECK(text("a", "limit=5&order=desc") == text("%61", "order=desc&limit=5"));
    CHECK(text("a", "") == text("a", "limit=100&order=asc"));
    CHECK(text("a", "from=1.0") == text("a", "from=1"));
    CHECK(text("a", "") != text("b", ""));
    CHECK(text("a", "limit=5") != text("a", "limit=6"));
    CHECK(text("a", "from=1") != text("a", "to=1"));
    CHECK(text("a", "and=v/b") != text("b", "and=v/a"));
    CHECK(text("a", "") != read_several_question("v", "key=a").value().text);
    CHECK(text("a%0Av/b", "") != text("a", "and=v/b"));
}
