#include "services/cache/site/purge_access.hpp"

#include <catch2/catch.hpp>

using namespace shoal::cache;

namespace {

bool is_in(const char* block, const char* one)
{
    const auto read = address_block::parse(block);
    REQUIRE(read.has_value());
    const auto parsed = parse_address(one);
    return parsed && read->contains(*parsed);
}

}  // namespace

TEST_CASE("addresses: of both families, in every form that people write", "[cache]")
{
    REQUIRE(parse_address("::ffff:1.2.3.4") == parse_address("1.2.3.4"));
    REQUIRE(parse_address("2001:db8::1") == parse_address("2001:0DB8:0:0:0:0:0:1"));
    REQUIRE(parse_address("::") == parse_address("0:0:0:0:0:0:0:0"));
    REQUIRE(parse_address("1::") == parse_address("1:0:0:0:0:0:0:0"));
    REQUIRE(parse_address("1:2:3:4:5:6:7::") == parse_address("1:2:3:4:5:6:7:0"));
    REQUIRE(parse_address("64:ff9b::1.2.3.4") == parse_address("64:ff9b::102:304"));
    REQUIRE(parse_address("1:2:3:4:5:6:1.2.3.4") == parse_address("1:2:3:4:5:6:102:304"));
    REQUIRE(parse_address("0.0.0.0").has_value());
    REQUIRE(parse_address("255.255.255.255").has_value());
}

TEST_CASE("addresses: nothing else is one", "[cache]")
{
    const auto* const text =
        GENERATE("", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.-4", "1.2.3.4 ", " 1.2.3.4",
                 "1.2.3.4:80", "0x7f.0.0.1", "a.b.c.d", "localhost", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                 "1::2::3", "12345::", "g::", "fe80::1%eth0", "[::1]", "::1/64", "1:2:3:4:5:6:7:1.2.3.4",
                 "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:8::", ":1::2", "1:", "1::2:");
    CAPTURE(text);
    REQUIRE_FALSE(parse_address(text).has_value());
}

TEST_CASE("addresses: a block has those whose first bits are its own", "[cache]")
{
    REQUIRE(is_in("127.0.0.1", "127.0.0.1"));
    REQUIRE_FALSE(is_in("127.0.0.1", "127.0.0.2"));
    REQUIRE(is_in("10.0.0.0/8", "10.255.1.2"));
    REQUIRE_FALSE(is_in("10.0.0.0/8", "11.0.0.0"));
    REQUIRE(is_in("192.168.4.0/22", "192.168.7.255"));
    REQUIRE_FALSE(is_in("192.168.4.0/22", "192.168.8.0"));
    REQUIRE(is_in("10.0.0.0/8", "::ffff:10.1.1.1"));
    REQUIRE(is_in("0.0.0.0/0", "8.8.8.8"));
    REQUIRE_FALSE(is_in("0.0.0.0/0", "2001:db8::1"));
    REQUIRE(is_in("::/0", "2001:db8::1"));
    REQUIRE(is_in("2001:db8::/33", "2001:db8:7fff::1"));
    REQUIRE_FALSE(is_in("2001:db8::/33", "2001:db8:8000::1"));
    REQUIRE_FALSE(is_in("::1", "127.0.0.1"));
}

TEST_CASE("addresses: a block with bits behind its prefix, or none at all, is refused", "[cache]")
{
    for (const auto* const text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/a", "10.0.0.0/-1", "/8",
                                   "::1/64", "::/129", "10.0.0.0/8/8", "10.0.0.0/0008"}) {
        CAPTURE(text);
        REQUIRE_FALSE(address_block::parse(text).has_value());
    }
}

TEST_CASE("purge access: a bearer token, whole and with case", "[cache]")
{
    purge_access access;
    access.token = "0123456789abcdef";
    REQUIRE(access.admits_token("Bearer 0123456789abcdef"));
    REQUIRE(access.admits_token("bearer  0123456789abcdef"));
    for (const auto* const said : {"", "Bearer", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef",
                                   "Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
                                   "Bearer 0123456789abcdef ", "Bearer\t0123456789abcdef"}) {
        CAPTURE(said);
        REQUIRE_FALSE(access.admits_token(said));
    }
}

TEST_CASE("purge access: without a token nobody has it, without a list nobody is on it", "[cache]")
{
    const purge_access nobody;
    REQUIRE_FALSE(nobody.admits_token("Bearer "));
    REQUIRE_FALSE(nobody.admits_token(""));
    REQUIRE_FALSE(nobody.admits_address("127.0.0.1"));
    REQUIRE_FALSE(nobody.admits_address(""));
    purge_access local;
    local.allow.push_back({"127.0.0.0/8", *address_block::parse("127.0.0.0/8")});
    local.allow.push_back({"::1", *address_block::parse("::1")});
    REQUIRE(local.admits_address("127.1.2.3"));
    REQUIRE(local.admits_address("::1"));
    REQUIRE_FALSE(local.admits_address("10.0.0.1"));
    REQUIRE_FALSE(local.admits_address("127.0.0.1, 10.0.0.1"));
    REQUIRE_FALSE(local.admits_address("localhost"));
}
