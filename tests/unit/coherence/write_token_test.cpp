// What clients name that have written.

#include "common/coherence/write_token.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace shoal::coherence;

TEST_CASE("write token: a position of the database's log, or a name that a transaction may emit", "[coherence]")
{
    const auto position = read_write_token("16/B374D848");
    REQUIRE(position);
    CHECK(position->at == 0x16'B374'D848);
    CHECK(position->name.empty());
    for (const auto& name : {std::string{"order-7.a_B"}, std::string{"0"}, std::string(64, 'z')}) {
        CAPTURE(name);
        const auto token = read_write_token(name);
        REQUIRE(token);
        CHECK(token->at == 0);
        CHECK(token->name == name);
    }
}

TEST_CASE("write token: what is neither is none", "[coherence]")
{
    for (const auto& text : {std::string{}, std::string(65, 'z'), std::string{"a b"}, std::string{"a,b"},
                             std::string{"16/"}, std::string{"16/g"}, std::string{"1/2/3"}, std::string{"0/0"},
                             std::string{"caf\xc3\xa9"}, std::string{"a\0b", 3}, std::string{"\"a\""}}) {
        CAPTURE(text);
        CHECK_FALSE(read_write_token(text));
    }
}
