#include "services/cache/site/key.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;

TEST_CASE("key: scheme, host, path and query", "[cache]")
{
    const auto made = one_site();
    const auto& shop = made.sites.all().front();
    REQUIRE(key_of(shop, "/list?page=2").key == "http://shop.example/list?page=2");
    REQUIRE(key_of(shop, "/list", "SHOP.example:80").key == "http://shop.example/list");
    REQUIRE(key_of(shop, "/list", "shop.example:8080").key == "http://shop.example:8080/list");
    REQUIRE(key_of(shop, "/list", "shop.example:443", scheme::https).key == "https://shop.example/list");
    REQUIRE(key_of(shop, "*").key == "http://shop.example*");
    REQUIRE(key_of(shop, "/a?b?c").key == "http://shop.example/a?b?c");
    REQUIRE(key_of(shop, "/a?u=/x//..;y").key == "http://shop.example/a?u=/x//..;y");
    REQUIRE(key_of(shop, "/", "").key == "http:///");
}

TEST_CASE("key: gives back its URL, host and target", "[cache]")
{
    const auto made = one_site();
    const auto& shop = made.sites.all().front();
    for (const auto* const host : {"shop.example", "shop.example:8080", "[::1]:9", ""})
        for (const auto* const target : {"/", "/list?page=2", "/a://b/c", "//a", "/?", "*"})
            for (const auto over : {scheme::http, scheme::https}) {
                const auto key = key_of(shop, target, host, over).key;
                CAPTURE(key);
                REQUIRE(host_of(key) == host);
                REQUIRE(target_of(key) == target);
                REQUIRE(url_of(key) == std::string{host} + target);
            }
}

TEST_CASE("key: the first rule whose path matches is the rule", "[cache]")
{
    const auto made = one_site(R"("rules":[{"path":"/static/keep/*"},{"path":"/static/*"},{"path":"*.css"}])");
    const auto& shop = made.sites.all().front();
    const auto rule_of = [&](std::string_view target) -> std::string {
        const auto* const by = key_of(shop, target).by;
        if (by == &shop.otherwise) return "otherwise";
        return by == &shop.doubtful ? "doubtful" : by->path.pattern();
    };
    REQUIRE(rule_of("/static/keep/a") == "/static/keep/*");
    REQUIRE(rule_of("/static/a.css") == "/static/*");
    REQUIRE(rule_of("/a.css") == "*.css");
    REQUIRE(rule_of("/%73tatic/a") == "/static/*");
    REQUIRE(rule_of("/account?x=/static/a.css") == "otherwise");
    REQUIRE(rule_of("/account?.css") == "otherwise");
    REQUIRE(rule_of("/a.css?x") == "*.css");
    REQUIRE(rule_of("/static//a") == "doubtful");
}

TEST_CASE("key: queries are handled as the rule of the path says", "[cache]")
{
    const auto made = one_site(R"("query":{"drop":["utm_*"]},
        "rules":[{"path":"/search","query":{"sort":true,"keep":["q","page"]}},{"path":"/raw","query":{}}])");
    const auto& shop = made.sites.all().front();
    REQUIRE(key_of(shop, "/x?b=1&utm_a=2&a=3").key == "http://shop.example/x?b=1&a=3");
    REQUIRE(key_of(shop, "/search?q=1&b=2&page=3&utm_a=4").key == "http://shop.example/search?page=3&q=1");
    REQUIRE(key_of(shop, "/raw?b=1&utm_a=2").key == "http://shop.example/raw?b=1&utm_a=2");
    REQUIRE(key_of(shop, "/x;?b=1&utm_a=2").key == "http://shop.example/x;?b=1&utm_a=2");
}

TEST_CASE("rule: methods and pass say what is shared, cookies what is looked up", "[cache]")
{
    const auto made = one_site(R"("rules":[{"path":"/a","pass":true},{"path":"/b","methods":["GET"]},
        {"path":"/c","cookies":"bypass"},{"path":"/d","cookies":"ignore"}])");
    const auto& rules = made.sites.all().front().rules;
    const rule plain;
    REQUIRE(plain.caches("GET"));
    REQUIRE(plain.caches("HEAD"));
    for (const auto* const method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "", "PURGE"})
        REQUIRE_FALSE(plain.caches(method));
    REQUIRE_FALSE(rules[0].caches("GET"));
    REQUIRE_FALSE(rules[0].may_look_up(false));
    REQUIRE(rules[1].caches("GET"));
    REQUIRE_FALSE(rules[1].caches("HEAD"));
    REQUIRE(rules[2].may_look_up(false));
    REQUIRE_FALSE(rules[2].may_look_up(true));
    REQUIRE(rules[3].may_look_up(true));
    REQUIRE(plain.may_look_up(true));
    REQUIRE(plain.policy.guard_cookies);
    REQUIRE(rules[2].policy.guard_cookies);
    REQUIRE_FALSE(rules[3].policy.guard_cookies);
}
