#include "services/cache/site/purge_request.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "common/coherence/tags.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;

namespace {

settings two_sites()
{
    return read_valid(R"({"sites":[
        {"name":"shop","hosts":["shop.example"],"origins":["a:1"],"query":{"drop":["utm_*"]},
         "rules":[{"path":"/search","query":{"sort":true}}]},
        {"name":"rest","hosts":["*"],"origins":["a:1"]}]})");
}

std::string refusal_of(const std::string& body)
{
    const auto read = read_purge(body, two_sites().sites);
    if (!read.has_error()) return "";
    return std::to_string(read.error().status) + " " + read.error().detail;
}

std::string refusal_of_url(const std::string& url, const settings& by)
{
    const auto place = place_of(url, by.sites);
    return place.has_error() ? place.error().detail : "";
}

}  // namespace

TEST_CASE("purge: URLs, surrogate keys, sites and everything, each tag once", "[cache]")
{
    const auto made = two_sites();
    const auto read = read_purge(R"({"urls":["https://shop.example/list?utm_a=1","http://shop.example/list"],
        "tags":["product-7","product-7"],"sites":["shop"],"all":true,"soft":true})",
                                 made.sites);
    REQUIRE_FALSE(read.has_error());
    REQUIRE(read->soft);
    std::vector<tag> expected{tag_of(tag_kind::url, "shop", "shop.example/list"),
                              tag_of(tag_kind::surrogate, {}, "product-7"), tag_of(tag_kind::site, "shop", {}),
                              tag_of(tag_kind::all, {}, {})};
    std::ranges::sort(expected);
    REQUIRE(read->tags == expected);
    REQUIRE_FALSE(read_purge(R"({"tags":["a"],"all":false})", made.sites)->soft);
}

TEST_CASE("purge: the tag of a URL is on every response that is kept under its key", "[cache]")
{
    const auto made = two_sites();
    const auto& shop = *made.sites.named("shop");
    const auto purged = [&](const std::string& url) {
        return read_purge(R"({"urls":[")" + url + R"("]})", made.sites)->tags.front();
    };
    REQUIRE(purged("http://shop.example/search?b=1&a=2") == url_tag(shop, key_of(shop, "/search?a=2&b=1").key));
    REQUIRE(purged("HTTP://Shop.Example:80/%6cist?utm_x=1") == url_tag(shop, key_of(shop, "/list").key));
    REQUIRE(purged("https://shop.example:443/list") ==
            url_tag(shop, key_of(shop, "/list", "shop.example", scheme::https).key));
    REQUIRE(purged("https://shop.example/list") == url_tag(shop, key_of(shop, "/list").key));
    REQUIRE(purged("http://shop.example") == url_tag(shop, key_of(shop, "/").key));
    REQUIRE(purged("http://shop.example?a") == url_tag(shop, key_of(shop, "/?a").key));
    REQUIRE(purged("http://shop.example/a//b;c?d") == url_tag(shop, key_of(shop, "/a//b;c?d").key));
    REQUIRE(purged("http://other.example:81/") ==
            url_tag(*made.sites.named("rest"), key_of(*made.sites.named("rest"), "/", "other.example:81").key));
    REQUIRE(purged("http://shop.example/list") != purged("http://shop.example/list/"));
    REQUIRE(purged("http://shop.example/list") != purged("http://shop.example:8080/list"));
}

TEST_CASE("purge: a URL's place is its site, its rule and its key", "[cache]")
{
    const auto made = two_sites();
    const auto place = place_of("https://shop.example/search?b&a", made.sites);
    REQUIRE(place->of == made.sites.named("shop"));
    REQUIRE(place->by == &place->of->rules.front());
    REQUIRE(place->key == "https://shop.example/search?a&b");
}

TEST_CASE("purge: a URL that is none, or nobody's, is refused", "[cache]")
{
    const auto made = two_sites();
    for (const auto* const url :
         {"", "/list", "shop.example/list", "ftp://shop.example/", "//shop.example/", "https:/shop.example/"}) {
        CAPTURE(url);
        REQUIRE(refusal_of_url(url, made) == "the URL must be absolute, as https://shop.example/list");
    }
    for (const auto* const url :
         {"http://", "http:///list", "http://user@shop.example/", "http://shop.example:x/", "http://:80/"}) {
        CAPTURE(url);
        REQUIRE(refusal_of_url(url, made) == "the URL's host can't be read");
    }
    REQUIRE(refusal_of_url("http://shop.example/#top", made) == "the URL has a fragment, which no server ever sees");
    for (const auto* const url :
         {"http://shop.example/caf\xc3\xa9", "http://shop.example/a b", "http://shop.example/\r\n"}) {
        CAPTURE(url);
        REQUIRE(refusal_of_url(url, made) == "a URL has visible ASCII characters only; percent-encode the others");
    }
    REQUIRE(refusal_of_url("http://shop.example/" + std::string(8192, 'a'), made) ==
            "the URL is longer than 8,192 bytes");
    const auto strict = one_site();
    REQUIRE(place_of("http://other.example/", strict.sites).error().status == 422);
    REQUIRE(refusal_of_url("http://other.example/", strict) == "no site has the URL's host");
}

TEST_CASE("purge: a body that is not understood whole is refused whole", "[cache]")
{
    const std::string form{R"({"urls":["https://shop.example/list"],"tags":["product-7"],"sites":["shop"]})"};
    for (const auto* const body : {"", "null", "[]", "{", R"({"tags":["a"]} x)", "\"a\"", R"({"tags":["a"],})"}) {
        CAPTURE(body);
        REQUIRE(refusal_of(body) == "400 the body must be a JSON object as " + form);
    }
    REQUIRE(refusal_of("{}") == "400 nothing is named; use urls, tags, sites or \"all\":true, as " + form);
    REQUIRE(refusal_of(R"({"all":false,"tags":[]})") ==
            "400 nothing is named; use urls, tags, sites or \"all\":true, as " + form);
    REQUIRE(refusal_of(R"({"tags":["a"],"tags":["b"]})") == "400 \"tags\" stands twice in the body");
    REQUIRE(refusal_of(R"({"url":["http://shop.example/"]})") ==
            "400 unknown member in the body; the known ones are urls, tags, sites, all and soft");
    REQUIRE(refusal_of(R"({"tags":"a"})") == "400 tags must be an array of strings");
    REQUIRE(refusal_of(R"({"tags":["a"],"soft":1})") == "400 soft must be true or false");
    REQUIRE(refusal_of(R"({"all":"yes"})") == "400 all must be true or false");
    REQUIRE(refusal_of(R"({"tags":["a",7]})") == "400 tags[1] must be a string");
    REQUIRE(refusal_of(R"({"urls":["http://shop.example/","/x"]})") ==
            "400 urls[1]: the URL must be absolute, as https://shop.example/list");
    REQUIRE(refusal_of(R"({"sites":["nobody"]})") ==
            "422 sites[0]: no site has this name; GET /-/config of a worker shows the sites");
    const std::string tag_form{"a surrogate key is 1 to 1,024 bytes of UTF-8 without control characters"};
    REQUIRE(refusal_of(R"({"tags":[""]})") == "400 tags[0]: " + tag_form);
    REQUIRE(refusal_of(R"({"tags":["a\u0000"]})") == "400 tags[0]: " + tag_form);
    REQUIRE(refusal_of(R"({"tags":[")" + std::string(1025, 'a') + R"("]})") == "400 tags[0]: " + tag_form);
}

TEST_CASE("purge: 10,000 items and no more", "[cache]")
{
    const auto made = two_sites();
    nlohmann::json body;
    for (int i = 0; i < 9'999; ++i) body["tags"].push_back("t" + std::to_string(i));
    body["urls"] = {"http://shop.example/"};
    REQUIRE(read_purge(body.dump(), made.sites)->tags.size() == 10'000);
    body["sites"] = {"shop"};
    REQUIRE(refusal_of(body.dump()) ==
            "413 at most 10,000 urls, tags and sites are purged at a time; send several requests");
}

TEST_CASE("purge: nesting costs nothing", "[cache]")
{
    REQUIRE(refusal_of(std::string(100'000, '[')).starts_with("400 the body must be a JSON object"));
    REQUIRE(refusal_of(R"({"tags":)" + std::string(50'000, '[') + std::string(50'000, ']') + "}") ==
            "400 tags[0] must be a string");
}
