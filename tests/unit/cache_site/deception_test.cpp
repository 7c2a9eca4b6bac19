// Cache deception and poisoning by URLs: a victim's answer must not be kept where another can fetch it, nor another's
// answer be given to a victim. The rules here are as careless as operators write them.

#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "services/cache/site/key.hpp"
#include "tests/unit/cache_site/forwarding.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;

namespace {

const char* const careless = R"("rules":[{"path":"/static/*","ttl":"1h","cookies":"ignore"},
    {"path":"*.css","ttl":"1h","cookies":"ignore"},{"path":"*.js","default_ttl":"1h","negative_ttl":"1h","heuristics":true}])";

/// Nothing is kept that the origin itself does not call fresh, and nothing of one client that it does not mark for all.
bool is_strict(const rule& by)
{
    return by.policy.guard_cookies && by.cookies != cookie_mode::ignore && !by.policy.ttl &&
           by.policy.default_ttl == 0 && by.policy.negative_ttl == 0 && !by.policy.heuristics && !by.query.changes();
}

}  // namespace

TEST_CASE("deception: a path that servers read differently gets nothing from a rule", "[cache]")
{
    const auto* const target = GENERATE(
        // What the origin reads as /account.
        "/account;x.css", "/account;/static/x.css", "/account/;x.css", "/account%3bx.css", "/account%3Fx.css",
        "/account%23x.css", "/account%00.css", "/account%0a.css", "/account%0Ax.js", "/account%09.css",
        "/account%2Fx.css", "/account%5cx.css", "/account\\x.css", "/account%252fx.css", "/account%25%32%66x.css",
        "/account%c0%afx.css", "/account%e0%80%afx.css", "/account/.%2f.css", "/account/./x.css",
        "/account/x/..;/y.css", "/account//x.css", "/account%2ecss", "/account%.css", "/account%1.css",
        "/account%f.css", "/account%7f.css",
        // What the origin leaves /static by.
        "/static/../account", "/static/..%2faccount", "/static/%2e%2e/account", "/static/%2e%2e%2faccount",
        "/static/.%2e/account", "/static/..%5caccount", "/static/..\\account", "/static/..;/account",
        "/static/x;/../account", "/static//account", "/static%2f..%2faccount", "/static/..%c0%afaccount",
        "/static/..%252faccount", "/static/%252e%252e/account",
        // What the origin gets into /static by.
        "/account/..%2fstatic/x.css", "/account/../static/x.css", "/account/%2e%2e/static/x.css", "//static/x.css");
    CAPTURE(target);
    const auto made = one_site(careless);
    const auto& shop = made.sites.all().front();
    const auto [key, by] = key_of(shop, target);
    REQUIRE(by == &shop.doubtful);
    REQUIRE(is_strict(*by));
    REQUIRE(target_of(key) == target);
}

TEST_CASE("deception: nor does it get anything from what a site says of all its paths", "[cache]")
{
    for (const auto* const loose : {R"("ttl":"1h")", R"("default_ttl":"1h")", R"("negative_ttl":"1h")",
                                    R"("heuristics":true)", R"("cookies":"ignore")", R"("query":{"sort":true})"}) {
        CAPTURE(loose);
        const auto made = one_site(loose);
        const auto& shop = made.sites.all().front();
        REQUIRE_FALSE(is_strict(*key_of(shop, "/account").by));
        REQUIRE(is_strict(*key_of(shop, "/account;x").by));
    }
}

TEST_CASE("deception: a query does not make a path another one", "[cache]")
{
    const auto made = one_site(careless);
    const auto& shop = made.sites.all().front();
    for (const auto* const target :
         {"/account?x.css", "/account?/static/x.css", "/account?a=/../static/.css", "/account?.js"}) {
        CAPTURE(target);
        REQUIRE(key_of(shop, target).by == &shop.otherwise);
        REQUIRE(is_strict(*key_of(shop, target).by));
    }
}

TEST_CASE("deception: what a rule keeps out of the cache can't be had by another spelling", "[cache]")
{
    const auto* const target =
        GENERATE("//private/x", "/./private/x", "/x/../private/x", "/x/..;/private/x", "/private;a/x", "/%2e/private/x",
                 "/priv%61te/x", "/%70rivate/x", "/private%2fx", "/private//x", "/private/x", "\\private\\x");
    CAPTURE(target);
    const auto passing = one_site(R"("rules":[{"path":"/private/*","pass":true}])");
    REQUIRE_FALSE(key_of(passing.sites.all().front(), target).by->caches("GET"));
    const auto bypassing = one_site(R"("rules":[{"path":"/private/*","cookies":"bypass"}])");
    REQUIRE_FALSE(key_of(bypassing.sites.all().front(), target).by->may_look_up(true));
}

TEST_CASE("deception: a site that bypasses cookies does so for doubtful paths", "[cache]")
{
    const auto made = one_site(R"("cookies":"bypass","rules":[{"path":"/static/*","cookies":"ignore"}])");
    REQUIRE_FALSE(key_of(made.sites.all().front(), "/static/..%2faccount").by->may_look_up(true));
}

TEST_CASE("deception: URLs that an origin may read differently never share a key", "[cache]")
{
    const std::vector<std::string> targets{
        "/account",           "/account/",         "//account",        "/account//",         "/./account",
        "/account/.",         "/x/../account",     "/account;",        "/account;a",         "/account%3b",
        "/account%3B",        "/account?",         "/account%3F",      "/account%23",        "/account%00",
        "/account%20",        "/account+",         "/account%2B",      "/account%2f",        "/account%2F",
        "/account\\",         "/account%5C",       "/account%2e",      "/account.",          "/Account",
        "/account%252f",      "/account?a=1&b=2",  "/account?b=2&a=1", "/account?a=1&&b=2",  "/account?a=1;b=2",
        "/account?a=1%26b=2", "/account?a=1&b=2&", "/account?a[]=1",   "/account?a%5B%5D=1", "/account?a=1&a=2",
        "/account?a=2&a=1",   "/account?A=1&b=2",  "/account?a=+",     "/account?a=%20",     "/account?a=%2B",
    };
    const auto made = one_site(careless);
    const auto& shop = made.sites.all().front();
    std::map<std::string, std::string> target_of_key;
    for (const auto& target : targets) {
        const auto [known, added] = target_of_key.emplace(key_of(shop, target).key, target);
        CAPTURE(target, known->second);
        REQUIRE(added);
    }
}

TEST_CASE("deception: hosts, ports and schemes never share a key", "[cache]")
{
    const auto made = one_site();
    const auto& shop = made.sites.all().front();
    std::set<std::string> keys;
    for (const auto* const host :
         {"shop.example", "shop.example:8080", "shop.example.", "www.shop.example", "[::1]", ""})
        for (const auto over : {scheme::http, scheme::https}) keys.insert(key_of(shop, "/", host, over).key);
    REQUIRE(keys.size() == 12);
}

TEST_CASE("poisoning: the origin sees no more of a shared request's target than its key has", "[cache]")
{
    const auto made = one_site(R"("rules":[{"path":"/*","query":{"sort":true,"drop":["utm_*"]}}])");
    const auto* const target =
        GENERATE("/page?utm_source=%22%3E%3Cscript%3E&q=1", "/page?utm_source=1;callback=evil&q=1",
                 "/page?q=1&utm_%61=x", "/p%61ge?q=1", "/page?%71=1", "/page?q=1&utm_a", "/page?utm_a=%&q=%31");
    CAPTURE(target);
    const auto head = head_of(made, {.target = target});
    REQUIRE(head.starts_with("GET /page?q=1 HTTP/1.1\r\n"));
}

TEST_CASE("poisoning: a request that is not shared reaches the origin as it was sent", "[cache]")
{
    const auto made = one_site(R"("rules":[{"path":"/*","query":{"sort":true,"drop":["utm_*"]}}])");
    const auto head = head_of(made, {.method = "POST", .target = "/p%61ge?utm_a=1&q=%71", .shared = false});
    REQUIRE(head.starts_with("POST /p%61ge?utm_a=1&q=%71 HTTP/1.1\r\n"));
}
