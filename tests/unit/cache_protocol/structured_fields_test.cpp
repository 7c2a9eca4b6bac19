#include "services/cache/protocol/structured_fields.hpp"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace sf = shoal::cache::protocol::sf;
using shoal::cache::field_view;

namespace {

sf::bare_item item_of(std::string_view text)
{
    const auto parsed = sf::parse_item(text);
    REQUIRE(parsed);
    return parsed->value;
}

bool is_item(std::string_view text)
{
    return sf::parse_item(text).has_value();
}

/// What is read of a list, as it is written.
std::string list_of(std::string_view text)
{
    const auto parsed = sf::parse_list(text);
    return parsed ? sf::serialize(*parsed).value_or("") : "no list";
}

std::string dictionary_of(std::string_view text)
{
    const auto parsed = sf::parse_dictionary(text);
    return parsed ? sf::serialize(*parsed).value_or("") : "no dictionary";
}

}  // namespace

TEST_CASE("structured_fields: numbers", "[cache_protocol]")
{
    CHECK(item_of("42") == sf::bare_item{std::int64_t{42}});
    CHECK(item_of(" -0 ") == sf::bare_item{std::int64_t{0}});
    CHECK(item_of("-999999999999999") == sf::bare_item{std::int64_t{-999'999'999'999'999}});
    CHECK(item_of("007") == sf::bare_item{std::int64_t{7}});
    CHECK(item_of("1.5") == sf::bare_item{sf::decimal{1500}});
    CHECK(item_of("-0.001") == sf::bare_item{sf::decimal{-1}});
    CHECK(item_of("999999999999.999") == sf::bare_item{sf::decimal{999'999'999'999'999}});
    for (const auto* const wrong :
         {"1000000000000000", "-", "--1", "+1", "1.", ".5", "1.2345", "1000000000000.1", "1 2", "1,2", "0x1", "- 1"}) {
        CAPTURE(wrong);
        CHECK_FALSE(is_item(wrong));
    }
}

TEST_CASE("structured_fields: strings, tokens, bytes, booleans", "[cache_protocol]")
{
    CHECK(item_of(R"("a \"b\" \\ c")") == sf::bare_item{std::string{R"(a "b" \ c)"}});
    CHECK(item_of(R"("")") == sf::bare_item{std::string{}});
    CHECK(item_of("a/b:c*!") == sf::bare_item{sf::token{"a/b:c*!"}});
    CHECK(item_of("*x") == sf::bare_item{sf::token{"*x"}});
    CHECK(item_of(":aGVsbG8=:") == sf::bare_item{sf::bytes{"hello"}});
    CHECK(item_of(":aGVsbG8:") == sf::bare_item{sf::bytes{"hello"}});
    CHECK(item_of("::") == sf::bare_item{sf::bytes{}});
    CHECK(item_of("?1") == sf::bare_item{true});
    CHECK(item_of("?0") == sf::bare_item{false});
    for (const auto* const wrong : {"", " ", "\"a", "\"\\a\"", "\"\t\"", "\"\xc3\xbc\"", "'a'", ":a:", ":aGVsbG8",
                                    ":a_b=:", ":a b=:", "?2", "?", "?10", "\ta", "a\t", "&"}) {
        CAPTURE(wrong);
        CHECK_FALSE(is_item(wrong));
    }
}

TEST_CASE("structured_fields: dates and display strings of RFC 9651", "[cache_protocol]")
{
    CHECK(item_of("@1659578233") == sf::bare_item{sf::date{1'659'578'233}});
    CHECK(item_of("@-1") == sf::bare_item{sf::date{-1}});
    CHECK(item_of(R"(%"f%c3%bc%25")") == sf::bare_item{sf::display_string{"f\xc3\xbc%"}});
    for (const auto* const wrong : {"@", "@1.5", "@a", R"(%"a)", R"(%a)", R"(%"%C3%bc")", R"(%"%c3")", R"(%"%c")"}) {
        CAPTURE(wrong);
        CHECK_FALSE(is_item(wrong));
    }
}

TEST_CASE("structured_fields: lists, inner lists, parameters", "[cache_protocol]")
{
    CHECK(list_of("a,  b ,\tc") == "a, b, c");
    CHECK(list_of("(a  b;x=1 );y, ()") == "(a b;x=1);y, ()");
    CHECK(list_of("a;x=1; x=2;y=?1;z=?0") == "a;x=2;y;z=?0");
    CHECK(sf::parse_list("").value().empty());
    for (const auto* const wrong :
         {"a,", ",a", "a,,b", "a b", "(a", "a)", "(a,b)", "(a\tb)", "((a))", "a;", "a;X", "a;x=", "a ;x", "(a\"b\")"}) {
        CAPTURE(wrong);
        CHECK(list_of(wrong) == "no list");
    }
}

TEST_CASE("structured_fields: dictionaries", "[cache_protocol]")
{
    CHECK(dictionary_of("a=1, b, c;x=2, *d=(1 2), e=?0, f=?1") == "a=1, b, c;x=2, *d=(1 2), e=?0, f");
    CHECK(dictionary_of("a=1,b=2,a=3") == "a=3, b=2");
    CHECK(dictionary_of("a_-.*0=1") == "a_-.*0=1");
    for (const auto* const wrong : {"a=1,", "A=1", "a =1", "a= 1", "0=1", "a=1 b=2", "a==1", "=1", "a=1;B"}) {
        CAPTURE(wrong);
        CHECK(dictionary_of(wrong) == "no dictionary");
    }
}

TEST_CASE("structured_fields: lines of a field are one value", "[cache_protocol]")
{
    const std::vector<field_view> fields{{"Groups", "\"a\""}, {"Other", "&"}, {"groups", "\"b\", c"}};
    CHECK(sf::parse_list(fields, "groups")->size() == 3);
    CHECK_FALSE(sf::parse_list(fields, "absent").has_value());
    const std::vector<field_view> torn{{"D", "a=(1"}, {"D", "2)"}};
    CHECK_FALSE(sf::parse_dictionary(torn, "d").has_value());
}

TEST_CASE("structured_fields: more members than the bound are refused", "[cache_protocol]")
{
    std::string most = "a";
    for (std::size_t n = 1; n < sf::most_members; ++n) most += ",a";
    CHECK(sf::parse_list(most)->size() == sf::most_members);
    CHECK_FALSE(sf::parse_list(most + ",a").has_value());
}

TEST_CASE("structured_fields: what can't be written is not", "[cache_protocol]")
{
    CHECK_FALSE(sf::serialize(sf::item{std::int64_t{1'000'000'000'000'000}, {}}));
    CHECK_FALSE(sf::serialize(sf::item{std::string{"\n"}, {}}));
    CHECK_FALSE(sf::serialize(sf::item{std::string{"\xc3\xbc"}, {}}));
    CHECK_FALSE(sf::serialize(sf::item{sf::token{""}, {}}));
    CHECK_FALSE(sf::serialize(sf::item{sf::token{"1a"}, {}}));
    CHECK_FALSE(sf::serialize(sf::item{sf::token{"a b"}, {}}));
    CHECK_FALSE(sf::serialize(sf::item{sf::display_string{"\xff"}, {}}));
    CHECK_FALSE(sf::serialize(sf::item{true, {{"X", true}}}));
    CHECK_FALSE(sf::serialize(sf::dictionary{{"", sf::item{true, {}}}}));
    CHECK_FALSE(sf::serialize(sf::list{}));
    CHECK(sf::serialize(sf::item{sf::decimal{-1500}, {}}) == "-1.5");
    CHECK(sf::serialize(sf::item{sf::decimal{2000}, {}}) == "2.0");
    CHECK(sf::serialize(sf::item{sf::bytes{"hello"}, {}}) == ":aGVsbG8=:");
    CHECK(sf::serialize(sf::item{sf::display_string{"f\xc3\xbc\""}, {}}) == R"(%"f%c3%bc%22")");
}

namespace {

/// Values of every type, within what can be written.
class generator {
public:
    explicit generator(std::uint64_t seed) : random_{seed} {}

    sf::dictionary dictionary()
    {
        sf::dictionary made;
        const std::size_t count = 1 + below(6);
        for (std::size_t n = 0; n < count; ++n) made.emplace_back(key(n), member());
        return made;
    }

private:
    std::uint64_t below(std::uint64_t end) { return std::uniform_int_distribution<std::uint64_t>{0, end - 1}(random_); }

    std::int64_t number()
    {
        const auto size = static_cast<std::int64_t>(below(1'000'000'000'000'000));
        return below(2) == 0 ? size : -size;
    }

    std::string key(std::size_t n) { return std::string(1, "ab*z"[below(4)]) + "-_." + std::to_string(n); }

    std::string text(char first, char last)
    {
        std::string made;
        const std::size_t size = below(12);
        for (std::size_t n = 0; n < size; ++n) {
            made.push_back(
                static_cast<char>(first + static_cast<char>(below(static_cast<std::uint64_t>(last - first) + 1))));
        }
        return made;
    }

    sf::bare_item bare()
    {
        switch (below(8)) {
        case 0: return number();
        case 1: return sf::decimal{number()};
        case 2: return text(' ', '~');
        case 3: return sf::token{"t" + text('a', 'z') + ":/"};
        case 4: return sf::bytes{text('\x01', '\x7f')};
        case 5: return below(2) == 0;
        case 6: return sf::date{number()};
        default: return sf::display_string{text('\x01', '\x7f') + "\xe2\x82\xac"};
        }
    }

    sf::parameters parameters()
    {
        sf::parameters made;
        const std::size_t count = below(3);
        for (std::size_t n = 0; n < count; ++n) made.emplace_back(key(n), bare());
        return made;
    }

    sf::member member()
    {
        if (below(3) != 0) return sf::item{bare(), parameters()};
        sf::inner_list made;
        const std::size_t count = below(4);
        for (std::size_t n = 0; n < count; ++n) made.items.push_back({bare(), parameters()});
        made.with = parameters();
        return made;
    }

    std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("structured_fields: what is written is read back", "[cache_protocol]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    generator random{seed};
    for (int n = 0; n < 3'000; ++n) {
        const auto written = random.dictionary();
        const auto text = sf::serialize(written);
        REQUIRE(text);
        CAPTURE(*text);
        const auto read = sf::parse_dictionary(*text);
        REQUIRE(read.has_value());
        REQUIRE((*read == written));
    }
}
