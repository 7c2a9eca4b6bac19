// What tells two answers apart.

#include <string_view>

#include <catch2/catch.hpp>

#include "services/cache/audit/likeness.hpp"

using namespace shoal::cache;

namespace {

likeness of(std::string_view body, std::string_view etag = {}, unsigned status = 200)
{
    body_hash hash;
    hash.add(body);
    return {status, strong_etag(etag), hash.length(), hash.value()};
}

}  // namespace

TEST_CASE("likeness: bodies are alike byte for byte, however they are cut", "[cache]")
{
    body_hash cut;
    cut.add("one ");
    cut.add("");
    cut.add("and two");
    REQUIRE(alike(of("one and two"), {200, "", cut.length(), cut.value()}));
    REQUIRE_FALSE(alike(of("one and two"), of("one and too")));
    REQUIRE_FALSE(alike(of(""), of("one")));
    REQUIRE_FALSE(alike(of("one"), of("one", {}, 404)));
}

TEST_CASE("likeness: strong ETags say more than bodies, weak ones nothing", "[cache]")
{
    REQUIRE(alike(of("made at 1", "\"a\""), of("made at 2", "\"a\"")));
    REQUIRE_FALSE(alike(of("same", "\"a\""), of("same", "\"b\"")));
    REQUIRE_FALSE(alike(of("one", "W/\"a\""), of("two", "W/\"a\"")));
    REQUIRE(alike(of("same", "\"a\""), of("same")));
}

TEST_CASE("likeness: only an origin that says the same twice says that what is kept is wrong", "[cache]")
{
    REQUIRE(judge_again(of("old"), of("new"), of("new")) == finding::inconsistent);
    REQUIRE(judge_again(of("old"), of("made at 1"), of("made at 2")) == finding::changing);
    REQUIRE(judge_again(of("old"), of("new"), of("old")) == finding::consistent);
}

TEST_CASE("likeness: an origin that turns the auditor away says nothing of the content", "[cache]")
{
    for (const unsigned told : {200U, 404U, 410U}) REQUIRE(tells_of_content(told, 200));
    for (const unsigned away : {301U, 302U, 401U, 403U, 407U, 408U, 429U, 500U, 503U})
        REQUIRE_FALSE(tells_of_content(away, 200));
    REQUIRE(tells_of_content(301, 301));
}
