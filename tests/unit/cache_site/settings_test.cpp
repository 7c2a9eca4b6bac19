#include "services/cache/site/settings.hpp"

#include <catch2/catch.hpp>

#include <fstream>

#include "tests/support/temp_folder.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;
using namespace std::chrono_literals;

namespace {

const char* const everything = R"({
  "memory": "256mb", "l2_object": "512kb",
  "purge": {"allow": ["127.0.0.1/32", "::1", "10.0.0.0/8"]},
  "trusted_proxies": ["192.0.2.0/24"],
  "sites": [{
    "name": "shop", "hosts": ["Shop.Example:8080", "*.shop.example", "*"],
    "origins": ["127.0.0.1:8000", "unix:/run/app.sock", "app.internal:80", "[::1]:80"],
    "origin_host": "app.internal", "connect_timeout": "500ms", "first_byte_timeout": "10s",
    "between_bytes_timeout": "20s", "idle_timeout": "1m", "connections": 16,
    "check": {"path": "/health", "interval": "5s", "timeout": "200ms"},
    "max_object": "2mb", "default_ttl": "30s", "negative_ttl": "5s", "heuristics": true,
    "stale_while_revalidate": "10s", "stale_if_error": "1h", "client_directives": false, "tags_hidden": true,
    "forwarded_for": "chain", "cookies": "bypass", "accept_encoding": ["GZIP"], "accept_language": ["sv", "en-GB"],
    "rules": [
      {"path": "/static/*", "methods": ["GET"], "query": {"sort": true, "drop": ["utm_*", "fbclid"], "keep": ["v"]},
       "cookies": "ignore", "accept_encoding": ["br", "gzip"], "accept_language": [], "ttl": "1h"},
      {"path": "/private/*", "pass": true, "client_directives": true, "heuristics": false, "default_ttl": "0s"}]
  }]
})";

}  // namespace

TEST_CASE("settings: without any there are no sites, and nobody may purge", "[cache]")
{
    const auto made = read_valid("{}");
    REQUIRE(made.memory == 64U << 20U);
    REQUIRE(made.l2_object == 1U << 20U);
    REQUIRE(made.sites.all().empty());
    REQUIRE(made.purge.token.empty());
    REQUIRE_FALSE(made.purge.admits_address("127.0.0.1"));
}

TEST_CASE("settings: a site of a name, a host and an origin has safe defaults", "[cache]")
{
    const auto made = one_site();
    const auto& shop = *made.sites.named("shop");
    REQUIRE(shop.origin.servers == std::vector<std::string>{"127.0.0.1:8000"});
    REQUIRE(shop.origin.host.empty());
    REQUIRE(shop.origin.connections == 64);
    REQUIRE_FALSE(shop.origin.check.has_value());
    REQUIRE(shop.max_object == 16U << 20U);
    REQUIRE_FALSE(shop.tags_hidden);
    REQUIRE(shop.addresses == forwarded_for::client);
    REQUIRE(shop.rules.empty());
    const auto& by = shop.otherwise;
    REQUIRE(by.cookies == cookie_mode::guard);
    REQUIRE(by.policy.guard_cookies);
    REQUIRE(by.client_directives);
    REQUIRE_FALSE(by.pass);
    REQUIRE_FALSE(by.query.changes());
    REQUIRE_FALSE(by.policy.ttl.has_value());
    REQUIRE(by.policy.default_ttl == 0);
    REQUIRE(by.policy.negative_ttl == 0);
    REQUIRE_FALSE(by.policy.heuristics);
    REQUIRE_FALSE(by.policy.store_set_cookie);
    REQUIRE(by.policy.stale_while_revalidate == 0);
    REQUIRE(by.policy.stale_if_error == 0);
    REQUIRE(by.accept_encoding == std::vector<std::string>{"br", "gzip"});
    REQUIRE(by.accept_language.empty());
}

TEST_CASE("settings: every member of a site is read", "[cache]")
{
    const auto made = read_valid(everything);
    REQUIRE(made.memory == 256U << 20U);
    REQUIRE(made.l2_object == 512U << 10U);
    REQUIRE(made.purge.admits_address("10.1.2.3"));
    REQUIRE(is_listed("192.0.2.1", made.trusted_proxies));
    REQUIRE(to_json(made)["trusted_proxies"] == nlohmann::json::array({"192.0.2.0/24"}));
    const auto& shop = made.sites.all().front();
    REQUIRE(shop.hosts == std::vector<std::string>{"shop.example", "*.shop.example", "*"});
    REQUIRE(shop.origin.servers.size() == 4);
    REQUIRE(shop.origin.host == "app.internal");
    REQUIRE(shop.origin.connect == 500ms);
    REQUIRE(shop.origin.first_byte == 10s);
    REQUIRE(shop.origin.between_bytes == 20s);
    REQUIRE(shop.origin.idle == 1min);
    REQUIRE(shop.origin.connections == 16);
    REQUIRE(shop.origin.check == health_check{"/health", "app.internal", 5s, 200ms});
    REQUIRE(shop.max_object == 2U << 20U);
    REQUIRE(shop.tags_hidden);
    REQUIRE(shop.addresses == forwarded_for::chain);
    REQUIRE(is_listed("192.0.2.1", shop.proxies));
    REQUIRE(shop.otherwise.accept_encoding == std::vector<std::string>{"gzip"});
    REQUIRE(shop.otherwise.cookies == cookie_mode::bypass);
    REQUIRE_FALSE(shop.otherwise.client_directives);
}

TEST_CASE("settings: a rule has the site's word where it says nothing", "[cache]")
{
    const auto made = read_valid(everything);
    const auto& rules = made.sites.all().front().rules;
    const auto& files = rules[0];
    REQUIRE(files.get);
    REQUIRE_FALSE(files.head);
    REQUIRE(files.query.sort);
    REQUIRE(files.query.drop.size() == 2);
    REQUIRE(files.query.keep.front().pattern() == "v");
    REQUIRE(files.cookies == cookie_mode::ignore);
    REQUIRE_FALSE(files.policy.guard_cookies);
    REQUIRE(files.accept_encoding == std::vector<std::string>{"br", "gzip"});
    REQUIRE(files.accept_language.empty());
    REQUIRE(files.policy.ttl == 3600);
    REQUIRE(files.policy.default_ttl == 30);
    REQUIRE(files.policy.heuristics);
    REQUIRE(files.policy.stale_if_error == 3600);
    REQUIRE_FALSE(files.client_directives);
    const auto& closed = rules[1];
    REQUIRE(closed.pass);
    REQUIRE(closed.client_directives);
    REQUIRE(closed.cookies == cookie_mode::bypass);
    REQUIRE(closed.accept_language == std::vector<std::string>{"sv", "en-GB"});
    REQUIRE_FALSE(closed.policy.heuristics);
    REQUIRE(closed.policy.default_ttl == 0);
    REQUIRE(closed.policy.negative_ttl == 5);
}

TEST_CASE("settings: the ttl of a rule is not for errors, nor for what must not be stored", "[cache]")
{
    const auto made = one_site(R"("rules":[{"path":"/*","ttl":"1h"}])");
    const auto& policy = made.sites.all().front().rules.front().policy;
    const std::vector<field_view> asked{{"Host", "shop.example"}};
    const auto decide = [&](unsigned status, const char* control) {
        const std::vector<field_view> fields{{"Cache-Control", control}};
        return protocol::decide_storing(protocol::read_request("GET", asked), status, fields, policy, {});
    };
    REQUIRE(decide(200, "max-age=1").use.fresh_for == 3600);
    REQUIRE(decide(200, "").allowed);
    for (const unsigned status : {400U, 401U, 403U, 404U, 500U, 503U}) REQUIRE_FALSE(decide(status, "").allowed);
    REQUIRE(decide(404, "max-age=1").use.fresh_for == 1);
    REQUIRE_FALSE(decide(200, "no-store").allowed);
    REQUIRE_FALSE(decide(200, "private").allowed);
}

TEST_CASE("settings: patterns are compared in the form of keys", "[cache]")
{
    const auto made = one_site(R"("rules":[{"path":"/%63af%c3%a9/*","query":{"drop":["%75tm%5f*"]}}])");
    const auto& by = made.sites.all().front().rules.front();
    REQUIRE(by.path.pattern() == "/caf%C3%A9/*");
    REQUIRE(by.query.drop.front().pattern() == "utm_*");
    REQUIRE(key_of(made.sites.all().front(), "/ca%66%c3%A9/x?%75tm_a=1").key == "http://shop.example/caf%C3%A9/x");
}

TEST_CASE("settings: what is shown reads as what it was made of", "[cache]")
{
    for (const auto* const text : {everything, "{}"}) {
        const auto shown = to_json(read_valid(text));
        REQUIRE(to_json(read_valid(shown.dump())) == shown);
    }
    const auto shown = to_json(read_valid(everything));
    REQUIRE(shown["memory"] == "256mb");
    REQUIRE(shown["sites"][0]["rules"][0]["ttl"] == "1h");
    REQUIRE(shown["sites"][0]["rules"][0]["cookies"] == "ignore");
    REQUIRE_FALSE(shown["sites"][0].contains("ttl"));
}

TEST_CASE("settings: the token is read from its file, and shown to nobody", "[cache]")
{
    const shoal::test::temp_folder folder;
    const auto file = folder.file("token");
    std::ofstream{file} << "0123456789abcdef-secret\n";
    const auto made = read_valid(R"({"purge":{"token_file":")" + file + R"("}})");
    REQUIRE(made.purge.token == "0123456789abcdef-secret");
    const auto shown = to_json(made).dump();
    REQUIRE(shown.find("secret") == std::string::npos);
    REQUIRE(shown.find(file) != std::string::npos);
}
