#include "services/cache/protocol/conditional.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/cache_protocol/exchange.hpp"

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using namespace shoal::cache::protocol::test;

namespace {

bool is_good(const field_list& request, const validators& of)
{
    return not_modified(get(request), of, noon);
}

bool uses_range(const field_list& request, const validators& of)
{
    return range_counts(get(request), of, noon);
}

}  // namespace

TEST_CASE("conditional: what an ETag is, and which are equal (RFC 9110, 8.8.3)", "[cache_protocol]")
{
    CHECK(is_strong("\"a\""));
    CHECK(is_strong("\"\""));
    CHECK_FALSE(is_strong("W/\"a\""));
    CHECK(is_etag("W/\"a\""));
    for (const auto* const wrong : {"", "a", "\"", "\"a", "a\"", "w/\"a\"", "W\"a\"", "W\\\"a\"", "\"a\"b\""}) {
        CAPTURE(wrong);
        CHECK_FALSE(is_etag(wrong));
        CHECK_FALSE(is_strong(wrong));
    }
    CHECK(weak_match("W/\"a\"", "\"a\""));
    CHECK(weak_match("W/\"a\"", "W/\"a\""));
    CHECK_FALSE(weak_match("\"a\"", "\"b\""));
    CHECK(strong_match("\"a\"", "\"a\""));
    CHECK_FALSE(strong_match("W/\"a\"", "W/\"a\""));
    CHECK_FALSE(strong_match("a", "a"));
}

TEST_CASE("conditional: If-None-Match", "[cache_protocol]")
{
    const validators strong{.etag = "\"abcdef\""};
    CHECK(is_good({{"If-None-Match", "\"abcdef\""}}, strong));
    CHECK(is_good({{"If-None-Match", "W/\"abcdef\""}}, strong));
    CHECK(is_good({{"If-None-Match", "\"abcdef\", \"1234\", \"5678\""}}, strong));
    CHECK(is_good({{"If-None-Match", "\"1234\", \"abcdef\", \"5678\""}}, strong));
    CHECK(is_good({{"If-None-Match", "\"1234\", \"5678\", \"abcdef\""}}, strong));
    CHECK(is_good({{"If-None-Match", "\"1234\""}, {"If-None-Match", "\"abcdef\""}}, strong));
    CHECK(is_good({{"If-None-Match", "*"}}, {}));
    CHECK_FALSE(is_good({{"If-None-Match", "\"abcdeg\""}}, strong));
    CHECK_FALSE(is_good({{"If-None-Match", "abcdef"}}, strong));
    CHECK_FALSE(is_good({{"If-None-Match", ""}}, strong));
    CHECK_FALSE(is_good({{"If-None-Match", "\"abcdef\""}}, {}));
    CHECK(is_good({{"If-None-Match", "W/\"a\""}}, {.etag = "W/\"a\""}));
    CHECK(is_good({{"If-None-Match", "\"a,b\""}}, {.etag = "\"a,b\""}));
    CHECK(is_good({{"If-None-Match", "\"abcdef\xc3\xbc\""}}, {.etag = "\"abcdef\xc3\xbc\""}));
}

TEST_CASE("conditional: If-Modified-Since, where there is no If-None-Match", "[cache_protocol]")
{
    const std::string_view modified = date(-3000);
    const validators stored{.etag = "\"a\"", .last_modified = modified};
    CHECK(is_good({{"If-Modified-Since", modified}}, stored));
    CHECK(is_good({{"If-Modified-Since", date(-2000)}}, stored));
    CHECK(is_good({{"If-Modified-Since", "Sunday, 22-Nov-26 11:10:00 GMT"}}, stored));
    CHECK_FALSE(is_good({{"If-Modified-Since", date(-3001)}}, stored));
    CHECK_FALSE(is_good({{"If-Modified-Since", "yesterday"}}, stored));
    CHECK_FALSE(is_good({{"If-None-Match", "\"b\""}, {"If-Modified-Since", modified}}, stored));
    CHECK(is_good({{"If-None-Match", "\"a\""}, {"If-Modified-Since", date(-10'000)}}, stored));
    CHECK_FALSE(is_good({}, stored));
}

TEST_CASE("conditional: without Last-Modified its Date counts (RFC 9111, 4.3.2)", "[cache_protocol]")
{
    const std::string_view made = date(-100);
    CHECK(is_good({{"If-Modified-Since", date(-100)}}, {.date = made}));
    CHECK_FALSE(is_good({{"If-Modified-Since", date(-3000)}}, {.date = made}));
    CHECK_FALSE(is_good({{"If-Modified-Since", date(-3000)}}, {}));
}

TEST_CASE("conditional: If-Match is for the origin", "[cache_protocol]")
{
    const field_list match{{"If-Match", "\"a\""}};
    const field_list unmodified{{"If-Unmodified-Since", "x"}};
    CHECK_FALSE(get(match).may_use_stored());
    CHECK_FALSE(get(unmodified).may_use_stored());
    CHECK(get().may_use_stored());
    CHECK(read_request("HEAD", {}).may_use_stored());
    CHECK_FALSE(read_request("OPTIONS", {}).may_use_stored());
    CHECK_FALSE(read_request("POST", {}).may_use_stored());
    CHECK(read_request("get", {}).method == method_kind::unsafe);
}

TEST_CASE("conditional: If-Range wants a strong validator that is equal", "[cache_protocol]")
{
    const std::string_view modified = date(-3000);
    const std::string_view made = date(0);
    const validators stored{.etag = "\"a\"", .last_modified = modified, .date = made};
    CHECK(uses_range({{"Range", "bytes=0-1"}}, stored));
    CHECK_FALSE(uses_range({}, stored));
    CHECK(uses_range({{"Range", "bytes=0-1"}, {"If-Range", "\"a\""}}, stored));
    CHECK_FALSE(uses_range({{"Range", "bytes=0-1"}, {"If-Range", "\"b\""}}, stored));
    CHECK_FALSE(uses_range({{"Range", "bytes=0-1"}, {"If-Range", "W/\"a\""}}, {.etag = "W/\"a\""}));
    CHECK(uses_range({{"Range", "bytes=0-1"}, {"If-Range", modified}}, stored));
    CHECK_FALSE(uses_range({{"Range", "bytes=0-1"}, {"If-Range", date(-2999)}}, stored));
    const validators just_made{.last_modified = modified, .date = modified};
    CHECK_FALSE(uses_range({{"Range", "bytes=0-1"}, {"If-Range", modified}}, just_made));
    CHECK(read_request("HEAD", field_list{{"Range", "bytes=0-1"}}).range.empty());
}

TEST_CASE("conditional: what the origin is asked", "[cache_protocol]")
{
    const validators both{.etag = "\"a\"", .last_modified = "then"};
    const auto text = [](const validators& of, bool only_strong) {
        std::string all;
        for (const auto& one : validation_fields(of, only_strong))
            all.append(one.name).append(": ").append(one.value).append("\n");
        return all;
    };
    CHECK(text(both, false) == "If-None-Match: \"a\"\nIf-Modified-Since: then\n");
    CHECK(text(both, true) == "If-None-Match: \"a\"\n");
    CHECK(text({.etag = "W/\"a\""}, true).empty());
    CHECK(text({.etag = "W/\"a\""}, false) == "If-None-Match: W/\"a\"\n");
    CHECK(text({.last_modified = "then"}, true).empty());
    CHECK(text({}, false).empty());
}

TEST_CASE("conditional: which 304 is about what is stored (RFC 9111, 4.3.4)", "[cache_protocol]")
{
    const validators stored{.etag = "\"a\""};
    CHECK(confirms({}, stored));
    CHECK(confirms(field_list{{"ETag", "\"a\""}}, stored));
    CHECK(confirms(field_list{{"ETag", "W/\"b\""}}, stored));
    CHECK_FALSE(confirms(field_list{{"ETag", "\"b\""}}, stored));
    CHECK_FALSE(confirms(field_list{{"ETag", "\"a\""}}, {.last_modified = "then"}));
}
