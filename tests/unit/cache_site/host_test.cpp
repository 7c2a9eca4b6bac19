#include "services/cache/site/host.hpp"

#include <catch2/catch.hpp>

#include "services/cache/site/site_list.hpp"

using namespace shoal::cache;

TEST_CASE("host: lower case, without the scheme's own port", "[cache]")
{
    const auto [host, over, text, name] = GENERATE(table<const char*, scheme, const char*, const char*>({
        {"shop.example", scheme::http, "shop.example", "shop.example"},
        {"Shop.EXAMPLE", scheme::http, "shop.example", "shop.example"},
        {"shop.example:80", scheme::http, "shop.example", "shop.example"},
        {"shop.example:443", scheme::http, "shop.example:443", "shop.example"},
        {"shop.example:443", scheme::https, "shop.example", "shop.example"},
        {"shop.example:80", scheme::https, "shop.example:80", "shop.example"},
        {"shop.example:08080", scheme::http, "shop.example:8080", "shop.example"},
        {"shop.example:", scheme::http, "shop.example", "shop.example"},
        {"shop.example.", scheme::http, "shop.example.", "shop.example."},
        {"a_b-c", scheme::http, "a_b-c", "a_b-c"},
        {"127.0.0.1:8000", scheme::http, "127.0.0.1:8000", "127.0.0.1"},
        {"[2001:DB8::1]", scheme::http, "[2001:db8::1]", "[2001:db8::1]"},
        {"[::1]:8000", scheme::http, "[::1]:8000", "[::1]"},
        {"[::1]:80", scheme::http, "[::1]", "[::1]"},
        {"", scheme::http, "", ""},
    }));
    CAPTURE(host);
    const auto made = host_name::parse(host, over);
    REQUIRE(made.has_value());
    REQUIRE(made->text() == text);
    REQUIRE(made->name() == name);
}

TEST_CASE("host: what is none is refused", "[cache]")
{
    const auto* const host = GENERATE(
        "shop example", "shop/example", "shop\\example", "user@shop.example", "shop.example:http", "shop.example:-1",
        "shop.example:0", "shop.example:65536", "shop.example:80:80", ":80", ":", "[::1", "[]", "[::1]x", "[::1]:x",
        "[shop]", "::1", "shop%2eexample", "shop.example?", "shop.example#", "a,b", "\"a\"", "<a>", "*", "*.example");
    CAPTURE(host);
    REQUIRE_FALSE(host_name::parse(host, scheme::http).has_value());
}

TEST_CASE("host: 255 bytes and no more", "[cache]")
{
    REQUIRE(host_name::parse(std::string(255, 'a'), scheme::http)->text().size() == 255);
    REQUIRE_FALSE(host_name::parse(std::string(256, 'a'), scheme::http).has_value());
    REQUIRE(host_name::parse(std::string(249, 'a') + ":65535", scheme::http)->text().size() == 255);
}

namespace {

site named(const char* name, std::vector<std::string> hosts)
{
    site made;
    made.name = name;
    made.hosts = std::move(hosts);
    return made;
}

std::string found(const site_list& sites, std::string_view host)
{
    const auto* const of = sites.of_host(host);
    return of == nullptr ? "" : of->name;
}

}  // namespace

TEST_CASE("sites: an exact host beats the longest wildcard, which beats any", "[cache]")
{
    const site_list sites{{named("any", {"*"}), named("wild", {"*.example"}), named("deep", {"*.shop.example"}),
                           named("exact", {"shop.example", "www.shop.example"})}};
    REQUIRE(found(sites, "shop.example") == "exact");
    REQUIRE(found(sites, "www.shop.example") == "exact");
    REQUIRE(found(sites, "cdn.shop.example") == "deep");
    REQUIRE(found(sites, "a.b.shop.example") == "deep");
    REQUIRE(found(sites, "blog.example") == "wild");
    REQUIRE(found(sites, "myshop.example") == "wild");
    REQUIRE(found(sites, "example") == "any");
    REQUIRE(found(sites, "elsewhere") == "any");
    REQUIRE(found(sites, "") == "any");
    REQUIRE(found(sites, ".example") == "any");
    REQUIRE(sites.named("deep")->name == "deep");
    REQUIRE(sites.named("nobody") == nullptr);
}

TEST_CASE("sites: without a wildcard other hosts are nobody's, also after a move", "[cache]")
{
    site_list before{{named("a", {"a.example"}), named("b", {"*.b.example"})}};
    const site_list sites = std::move(before);
    REQUIRE(found(sites, "a.example") == "a");
    REQUIRE(found(sites, "x.b.example") == "b");
    REQUIRE(found(sites, "b.example").empty());
    REQUIRE(found(sites, "c.example").empty());
    REQUIRE(site_list{}.of_host("a.example") == nullptr);
}
