#include "services/relay/rules/sql_name.hpp"

#include <catch2/catch.hpp>

using namespace shoal::relay;

namespace {

table_name table(std::string_view text)
{
    const auto made = parse_table_name(text);
    INFO(text);
    REQUIRE(made.has_value());
    return *made;
}

std::string refused(std::string_view text)
{
    const auto made = parse_table_name(text);
    INFO(text);
    REQUIRE(made.has_error());
    return made.error().what;
}

}  // namespace

TEST_CASE("names: what is not quoted is folded to lower case", "[relay]")
{
    REQUIRE(table("Shop.Product") == table_name{"shop", "product"});
    REQUIRE(table("shop.p_2$") == table_name{"shop", "p_2$"});
    REQUIRE(table("Größe.Maß") == table_name{"größe", "maß"});
}

TEST_CASE("names: quoted ones stay as they are, and two quotes are one", "[relay]")
{
    REQUIRE(table(R"("Odd.Schema"."Tab le")") == table_name{"Odd.Schema", "Tab le"});
    REQUIRE(table(R"("public"."Odd ""name""")") == table_name{"public", "Odd \"name\""});
    REQUIRE(table(R"(shop."T")") == table_name{"shop", "T"});
    REQUIRE(table(R"("""")") == table_name{"public", "\""});
}

TEST_CASE("names: a table without a schema is one of public", "[relay]")
{
    REQUIRE(table("product") == table_name{"public", "product"});
    REQUIRE(table("\"Product\"") == table_name{"public", "Product"});
}

TEST_CASE("names: what SQL would not read as one table is refused", "[relay]")
{
    REQUIRE(refused("").find("missing") != std::string::npos);
    REQUIRE(refused("shop.").find("missing") != std::string::npos);
    REQUIRE(refused("a.b.c").find("'.c' stands after") != std::string::npos);
    REQUIRE(refused("pro duct").find("' duct' stands after a name") != std::string::npos);
    REQUIRE(refused("2nd").find("double quotes") != std::string::npos);
    REQUIRE(refused("shop.\"open").find("never closed") != std::string::npos);
    REQUIRE(refused("shop.\"\"").find("empty") != std::string::npos);
    REQUIRE(refused("shop.\"a\"b").find("'b' stands after") != std::string::npos);
    REQUIRE(refused(std::string_view{"\"a\0b\"", 5}).find("zero byte") != std::string::npos);
    REQUIRE(refused(std::string(64, 'x')).find("at most 63") != std::string::npos);
    REQUIRE(table(std::string(63, 'x')).table.size() == 63);
}

TEST_CASE("names: a column is one name and no table's", "[relay]")
{
    REQUIRE(*parse_name("Id") == "id");
    REQUIRE(*parse_name("\"Id\"") == "Id");
    REQUIRE(parse_name("product.id").has_error());
}

TEST_CASE("names: for statements every name is quoted, for people only what needs it", "[relay]")
{
    REQUIRE(in_quotes("user") == "\"user\"");
    REQUIRE(in_quotes(table_name{"a\"; DROP", "T"}) == R"("a""; DROP"."T")");
    REQUIRE(shown(table_name{"public", "product"}) == "public.product");
    REQUIRE(shown(table_name{"Shop", "2nd"}) == R"("Shop"."2nd")");
    for (const std::string_view odd : {"a", "A", "a b", "\"", "ä", "1", "$a"}) {
        INFO(odd);
        REQUIRE(*parse_name(shown(odd)) == odd);
        REQUIRE(*parse_name(in_quotes(odd)) == odd);
    }
}
