#include "services/relay/rules/tag_template.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/relay_rules/samples.hpp"

using namespace shoal::relay;
using test::make_row;

namespace {

tag_template made(std::string_view text)
{
    const auto one = tag_template::parse(text);
    INFO(text);
    REQUIRE(one.has_value());
    return *one;
}

std::string refused(std::string_view text)
{
    const auto one = tag_template::parse(text);
    INFO(text);
    REQUIRE(one.has_error());
    return one.error().what;
}

std::string rendered(std::string_view text, const std::vector<std::string_view>& values)
{
    std::string into{"what was there before"};
    REQUIRE(made(text).render(make_row(values), into) == tag_template::outcome::made);
    return into;
}

}  // namespace

TEST_CASE("templates: columns are put in, once for each hole", "[relay]")
{
    REQUIRE(rendered("product:{id}", {"7"}) == "product:7");
    REQUIRE(rendered("{a}-{b}-{a}", {"1", "2"}) == "1-2-1");
    REQUIRE(rendered("all-products", {}) == "all-products");
    REQUIRE(made("{b}{a}{b}").columns() == test::texts{"b", "a"});
}

TEST_CASE("templates: columns are named as in SQL", "[relay]")
{
    REQUIRE(made("{Id}").columns() == test::texts{"id"});
    REQUIRE(made(R"(x{"Odd } ""name"""})").columns() == test::texts{"Odd } \"name\""});
}

TEST_CASE("templates: two braces stand for one", "[relay]")
{
    REQUIRE(rendered("{{{a}}}", {"1"}) == "{1}");
    REQUIRE(rendered("a{{b}}", {}) == "a{b}");
}

TEST_CASE("templates: a NULL makes no tag, an empty text does", "[relay]")
{
    std::string into;
    REQUIRE(made("product:{a}:{b}").render(make_row({"1", "NULL"}), into) == tag_template::outcome::none);
    REQUIRE(rendered("product:{a}", {""}) == "product:");
    REQUIRE(made("{a}").render(make_row({""}), into) == tag_template::outcome::none);
}

TEST_CASE("templates: what separates keys of the cache is percent-encoded in values", "[relay]")
{
    REQUIRE(rendered("{a}", {"red shoes, 50%"}) == "red%20shoes%2C%2050%25");
    REQUIRE(rendered("{a}", {"\t\n\x01\x7f"}) == "%09%0A%01%7F");
    REQUIRE(rendered("{a}", {"größe/{x}:!"}) == "größe/{x}:!");
    REQUIRE(rendered("100%:{a}", {"a"}) == "100%:a");
}

TEST_CASE("templates: a tag longer than the cache keeps is not made", "[relay]")
{
    std::string into;
    const std::string longest(longest_tag - 2, 'x');
    REQUIRE(rendered("a:{a}", {longest}).size() == longest_tag);
    REQUIRE(made("a:{a}").render(make_row({longest + "x"}), into) == tag_template::outcome::too_long);
}

TEST_CASE("templates: mistakes are said", "[relay]")
{
    REQUIRE(refused("").find("is empty") != std::string::npos);
    REQUIRE(refused("product:{id").find("never closed") != std::string::npos);
    REQUIRE(refused("product:{").find("a name is missing") != std::string::npos);
    REQUIRE(refused("product:{}").find("without a column") != std::string::npos);
    REQUIRE(refused("product:{\"\"}").find("a name is empty") != std::string::npos);
    REQUIRE(refused("product:{a b}").find("' ' where '}' should") != std::string::npos);
    REQUIRE(refused("product:id}").find("closes nothing") != std::string::npos);
    REQUIRE(refused("{a}}").find("closes nothing") != std::string::npos);
    for (const std::string_view odd : {"a b", "a,b", "a\tb", "a\x7f", "\n{a}"}) {
        INFO(odd);
        REQUIRE(refused(odd).find("a space, a comma or a control character") != std::string::npos);
    }
    REQUIRE(refused("\xff{a}").find("UTF-8") != std::string::npos);
    REQUIRE(refused(std::string(longest_tag + 1, 'x')).find("1024 bytes") != std::string::npos);
    REQUIRE(tag_template::parse(std::string(longest_tag, 'x') + "{a}").has_value());
}

TEST_CASE("templates: a tag without columns is judged alike", "[relay]")
{
    REQUIRE(*parse_tag("product") == "product");
    REQUIRE(parse_tag("").has_error());
    REQUIRE(parse_tag("a b").has_error());
    REQUIRE(parse_tag(std::string(longest_tag + 1, 'x')).has_error());
}
