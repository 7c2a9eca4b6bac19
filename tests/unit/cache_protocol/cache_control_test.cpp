#include "services/cache/protocol/cache_control.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal::cache;
using namespace shoal::cache::protocol;

namespace {

response_directives read(std::string_view text)
{
    const std::vector<field_view> fields{{"Cache-Control", text}};
    return read_response_directives(fields);
}

std::optional<response_directives> read_cdn(std::string_view text)
{
    const std::vector<field_view> fields{{"CDN-Cache-Control", text}};
    return read_targeted_directives(fields, "cdn-cache-control");
}

request_directives read_client(std::string_view text)
{
    const std::vector<field_view> fields{{"Cache-Control", text}};
    return read_request_directives(fields);
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("cache_control: names have no case, unknown ones don't matter", "[cache_protocol]")
{
    const auto all = read("No-StOrE, PUBLIC, must-revalidate,proxy-revalidate , must-understand, foobar, x=\"y\"");
    CHECK(all.no_store);
    CHECK(all.is_public);
    CHECK(all.must_revalidate);
    CHECK(all.proxy_revalidate);
    CHECK(all.must_understand);
    CHECK_FALSE(all.no_cache);
    CHECK_FALSE(all.is_private);
    CHECK_FALSE(read("no-storey").no_store);
    CHECK(read("no-store=yes").no_store);
}

TEST_CASE("cache_control: seconds", "[cache_protocol]")
{
    struct sample {
        std::string_view text;
        std::optional<std::int64_t> max_age;
    };
    for (const auto& [text, max_age] : std::vector<sample>{
             {"max-age=3600", 3600},
             {"MaX-aGe=3600", 3600},
             {"max-age=\"3600\"", 3600},
             {"max-age=003600", 3600},
             {"max-age=2147483649", 2'147'483'648},
             {"max-age=99999999999", 2'147'483'648},
             {"max-age=1800, max-age=1", 1800},
             {"max-age=1, max-age=1800", 1},
             // What can't be read is stale (RFC 9111, 4.2.1).
             {"max-age", 0},
             {"max-age=", 0},
             {"max-age=-3600", 0},
             {"max-age='3600'", 0},
             {"max-age=3600.0", 0},
             {"max-age=3600.5", 0},
             {"max-age=a3600", 0},
             {"max-age=3600a", 0},
             {"max-age= 3600", 0},
             // No directive at all.
             {"max-age =3600", std::nullopt},
             {"extension=\"max-age=3600\"", std::nullopt},
             {"x-max-age=3600", std::nullopt},
         }) {
        CAPTURE(text);
        CHECK(read(text).max_age == max_age);
    }
    CHECK(read("extension=\"max-age=3600\", max-age=1").max_age == 1);
    CHECK(read("max-age=1, extension=\"max-age=3600\"").max_age == 1);
    CHECK(read("s-maxage=7").s_maxage == 7);
    CHECK(read("stale-while-revalidate=8, stale-if-error=9").stale_while_revalidate == 8);
    CHECK(read("stale-while-revalidate=8, stale-if-error=9").stale_if_error == 9);
}

TEST_CASE("cache_control: no-cache and private may name fields", "[cache_protocol]")
{
    CHECK(read("no-cache").no_cache);
    CHECK(read("private").is_private);
    const auto named = read(R"(no-cache="Set-Cookie, X-A", private=X-B)");
    CHECK_FALSE(named.no_cache);
    CHECK_FALSE(named.is_private);
    CHECK(named.withheld == strings{"set-cookie", "x-a", "x-b"});
    CHECK(read(R"(no-cache="")").no_cache);
    CHECK(read(R"(private="a b")").is_private);
    CHECK(read(R"(private="set-cookie, private)").is_private);
}

TEST_CASE("cache_control: lines of one name count together", "[cache_protocol]")
{
    const std::vector<field_view> fields{
        {"Cache-Control", "max-age=5"}, {"X", "no-store"}, {"cache-control", "private"}};
    CHECK(read_response_directives(fields).max_age == 5);
    CHECK(read_response_directives(fields).is_private);
    CHECK_FALSE(read_response_directives(fields).no_store);
}

TEST_CASE("cache_control: what clients ask for", "[cache_protocol]")
{
    CHECK(read_client("no-cache").no_cache);
    CHECK(read_client("no-store").no_store);
    CHECK(read_client("only-if-cached").only_if_cached);
    CHECK(read_client("max-age=5").max_age == 5);
    CHECK(read_client("max-age=x").max_age == 0);
    CHECK(read_client("min-fresh=5").min_fresh == 5);
    CHECK(read_client("min-fresh=x").min_fresh > 1'000'000'000);
    CHECK(read_client("max-stale=5").max_stale == 5);
    CHECK(read_client("max-stale").max_stale > 1'000'000'000);
    CHECK(read_client("max-stale=x").max_stale == 0);
    CHECK_FALSE(read_client("nothing-to-see-here").no_cache);
}

TEST_CASE("cache_control: Pragma counts only without Cache-Control", "[cache_protocol]")
{
    const std::vector<field_view> alone{{"Pragma", "foo, no-cache"}};
    const std::vector<field_view> both{{"Pragma", "no-cache"}, {"Cache-Control", "max-stale"}};
    const std::vector<field_view> other{{"Pragma", "unknown"}};
    CHECK(read_request_directives(alone).no_cache);
    CHECK_FALSE(read_request_directives(both).no_cache);
    CHECK_FALSE(read_request_directives(other).no_cache);
}

TEST_CASE("cache_control: a targeted field is a dictionary", "[cache_protocol]")
{
    const auto good = read_cdn("max-age=3600, no-cache, private=\"a, b\";x=1, foobar=(1 2), stale-if-error=5");
    REQUIRE(good);
    CHECK(good->max_age == 3600);
    CHECK(good->no_cache);
    CHECK(good->withheld == strings{"a", "b"});
    CHECK(good->stale_if_error == 5);
    CHECK(read_cdn("max-age=99999999999")->max_age == 2'147'483'647);
    CHECK(read_cdn("max-age=-5")->max_age == 0);
    CHECK(read_cdn("no-store=?0, private")->is_private);
    CHECK_FALSE(read_cdn("no-store=?0")->no_store);
    CHECK(read_cdn("max-age=1, max-age=2")->max_age == 2);
}

TEST_CASE("cache_control: a targeted field that can't be read is not there", "[cache_protocol]")
{
    for (const auto* const wrong : {"", " ", "max-age=10000, &&&&&", "MaX-aGe=3600", "max-age =100", "max-age= 100",
                                    "max-age=1,", "max-age=\"1"}) {
        CAPTURE(wrong);
        CHECK_FALSE(read_cdn(wrong));
    }
    CHECK_FALSE(read_targeted_directives({}, "cdn-cache-control"));
    CHECK_FALSE(read_cdn("max-age=\"10000\"")->max_age);
    CHECK_FALSE(read_cdn("max-age=1.5")->max_age);
    CHECK_FALSE(read_cdn("no-store=1")->no_store);
}
