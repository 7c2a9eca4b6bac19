#include "services/cache/protocol/fields.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal::cache;
using namespace shoal::cache::protocol;

namespace {

std::vector<std::string> members(std::string_view text)
{
    std::vector<std::string> found;
    list_reader reader{text};
    while (const auto member = reader.next()) found.emplace_back(*member);
    return found;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("fields: a list is taken apart at commas outside of quotes", "[cache_protocol]")
{
    CHECK(members("").empty());
    CHECK(members(" ,\t, ,").empty());
    CHECK(members("a") == strings{"a"});
    CHECK(members(" a , b,,c\t") == strings{"a", "b", "c"});
    CHECK(members(R"(x="a, b", c)") == strings{R"(x="a, b")", "c"});
    CHECK(members(R"(x="a\", b", c)") == strings{R"(x="a\", b")", "c"});
}

TEST_CASE("fields: a quote that is never closed hides nothing", "[cache_protocol]")
{
    CHECK(members(R"(a="x, no-store)") == strings{R"(a="x)", "no-store"});
    CHECK(members(R"(a="x\", no-store)") == strings{R"(a="x\")", "no-store"});
}

TEST_CASE("fields: a long list with a quote that is never closed is read in one go", "[cache_protocol]")
{
    std::string text = "\"";
    for (int n = 0; n < 300'000; ++n) text += R"(\",)";
    CHECK(members(text).size() == 300'000);
}

TEST_CASE("fields: members go over lines, names have no case", "[cache_protocol]")
{
    const std::vector<field_view> fields{{"Vary", "a, b"}, {"X", "no"}, {"vary", ""}, {"VARY", " c"}};
    strings found;
    list_members all{fields, "vary"};
    while (const auto member = all.next()) found.emplace_back(*member);
    CHECK(found == strings{"a", "b", "c"});
    CHECK(has_member(fields, "vary", "C"));
    CHECK_FALSE(has_member(fields, "vary", "no"));
    CHECK(find(fields, "VARY") == "a, b");
    CHECK_FALSE(find(fields, "var"));
    CHECK(has(fields, "x"));
}

TEST_CASE("fields: delta-seconds are digits, and end at 2^31", "[cache_protocol]")
{
    CHECK(delta_seconds("0") == 0);
    CHECK(delta_seconds("003600") == 3600);
    CHECK(delta_seconds("2147483647") == 2'147'483'647);
    CHECK(delta_seconds("2147483649") == 2'147'483'648);
    CHECK(delta_seconds("99999999999999999999999999") == 2'147'483'648);
    for (const auto* const wrong : {"", "-1", "+1", "1.0", " 1", "1 ", "1a", "a1", "'1'"}) {
        CAPTURE(wrong);
        CHECK_FALSE(delta_seconds(wrong));
    }
}

TEST_CASE("fields: a head is read line by line", "[cache_protocol]")
{
    constexpr std::string_view head = "HTTP/1.1 200 OK\r\nDate: today\r\nETag:\"a:b\"\r\n\r\nX: body\r\n";
    const auto fields = lines_of(head);
    REQUIRE(fields.size() == 2);
    CHECK(fields[1].name == "ETag");
    CHECK(fields[1].value == R"("a:b")");
    CHECK(find_in_head("HTTP/1.1 200 OK\r\nDate: today\r\netag: x", "ETag") == "x");
    CHECK(find_in_head(head, "Age").empty());
    CHECK(lines_of("").empty());
}
