// Poisoning by header fields: what a request carries outside of its key and variant must not reach an origin that could
// put it into an answer for everybody.

#include <catch2/catch.hpp>

#include "services/cache/protocol/vary.hpp"
#include "tests/unit/cache_site/forwarding.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;

namespace {

constexpr std::string_view evil{"evil.example"};

std::string with_underscores(std::string name)
{
    std::ranges::replace(name, '-', '_');
    return name;
}

std::string upper(std::string name)
{
    for (auto& c : name) c = static_cast<char>(std::toupper(c));
    return name;
}

}  // namespace

TEST_CASE("poisoning: names that mislead an application do not reach it, in any spelling", "[cache]")
{
    const std::string name = GENERATE(
        as<std::string>{},
        // The host.
        "X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "X-HTTP-Host-Override", "X-Original-Host", "X-Backend-Host",
        "X-Forwarded-Host-Override", "X-Forwarded", "Forwarded", "X-Envoy-External-Address", "X-Proxy-Host",
        // The scheme and the port.
        "X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Port",
        "X-Url-Scheme", "X-Scheme", "Front-End-Https", "X-ARR-SSL", "CF-Visitor",
        // The URL.
        "X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Rewrite-URI", "X-Forwarded-Prefix", "X-Forwarded-Path",
        "X-Forwarded-Uri", "X-Script-Name", "X-HTTP-DestinationURL", "X-HTTP-Path-Override", "X-Envoy-Original-Path",
        "X-Override-URL", "Base-Url", "Request-Uri", "X-Matched-Path",
        // The method.
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
        // The client.
        "X-Forwarded-For", "X-Forwarded-By", "X-Real-IP", "X-Client-IP", "Client-IP", "True-Client-IP",
        "X-Cluster-Client-IP", "CF-Connecting-IP", "X-Originating-IP", "X-Remote-IP", "X-Remote-Addr", "X-Remote-User",
        // The server.
        "Proxy", "X-Accel-Redirect", "X-Sendfile-Type", "X-Wap-Profile", "Surrogate-Capability",
        "X-Middleware-Subrequest", "X-Middleware-Prefetch", "X-Invoke-Status", "X-Now-Route-Matches");
    const auto made = one_site(R"("forwarded_for":"chain")");
    for (const auto& spelling : {name, upper(name), with_underscores(name)}) {
        CAPTURE(spelling);
        const auto head = head_of(made, {.fields = {{spelling, evil}}});
        REQUIRE(head.find(evil) == std::string::npos);
    }
}

TEST_CASE("poisoning: what the proxy in front says is told under the key's own host and scheme", "[cache]")
{
    const auto made = one_site(R"("origin_host":"app.internal")");
    const auto head = head_of(made, {.fields = {{"Host", evil},
                                                {"X-Forwarded-Host", evil},
                                                {"X-Forwarded-Proto", "https"},
                                                {"X-Forwarded-For", "evil.example, 192.0.2.1"}}});
    REQUIRE(head.find(evil) == std::string::npos);
    REQUIRE(values_of(head, "Host") == lines{"app.internal"});
    REQUIRE(values_of(head, "X-Forwarded-Host") == lines{"shop.example"});
    REQUIRE(values_of(head, "X-Forwarded-Proto") == lines{"http"});
    REQUIRE(values_of(head, "X-Forwarded-For") == lines{"192.0.2.1"});
}

TEST_CASE("poisoning: a name that an application may read as another one does not reach it", "[cache]")
{
    const std::string name =
        GENERATE("If_None_Match", "Accept_Encoding", "Content_Length", "X.Forwarded.Host", "X~Host", "A B", "X-Host ",
                 "X-Host\t", "", "X-Host:", "X-H\xc3\xb6st", "Cookie_", "_", "a'b", "a|b");
    CAPTURE(name);
    const auto head = head_of(one_site(), {.fields = {{name, evil}}, .shared = false});
    REQUIRE(head.find(evil) == std::string::npos);
}

TEST_CASE("poisoning: a value that could end its line does not reach the origin", "[cache]")
{
    const std::string value =
        GENERATE(as<std::string>{}, "a\r\nX-Evil: evil.example", "a\nevil.example", "a\revil.example",
                 std::string("a\0evil.example", 14), "evil.example\x7f", "evil.example\x01");
    const auto head = head_of(one_site(), {.fields = {{"X-Name", value}}, .shared = false});
    REQUIRE(head.find(evil) == std::string::npos);
}

TEST_CASE("poisoning: hop-by-hop fields and those that Connection nominates end here", "[cache]")
{
    const auto head = head_of(one_site(), {.fields = {{"Connection", "close, X-Auth, x-forwarded-for"},
                                                      {"Keep-Alive", "timeout=1"},
                                                      {"TE", "trailers"},
                                                      {"Upgrade", "h2c"},
                                                      {"HTTP2-Settings", "x"},
                                                      {"Transfer-Encoding", "chunked"},
                                                      {"Content-Length", "5"},
                                                      {"Proxy-Connection", "keep-alive"},
                                                      {"Proxy-Authorization", "Basic x"},
                                                      {"Expect", "100-continue"},
                                                      {"X-Auth", "1"},
                                                      {"X-Forwarded-For", "192.0.2.1"},
                                                      {"X-Kept", "1"}}});
    for (const auto* const name : {"Connection", "Keep-Alive", "TE", "Upgrade", "HTTP2-Settings", "Transfer-Encoding",
                                   "Content-Length", "Proxy-Connection", "Proxy-Authorization", "Expect", "X-Auth"}) {
        CAPTURE(name);
        REQUIRE(values_of(head, name).empty());
    }
    REQUIRE(values_of(head, "X-Kept") == lines{"1"});
    REQUIRE(values_of(head, "X-Forwarded-For") == lines{"192.0.2.1"});
}

TEST_CASE("poisoning: nominating what a request is judged by does not take it away", "[cache]")
{
    const std::vector<field_view> fields{{"Connection", "Cookie, Authorization, Cache-Control, Host"},
                                         {"Cookie", "session=1"},
                                         {"Authorization", "Basic x"}};
    const auto head = head_of(one_site(), {.fields = fields});
    REQUIRE(values_of(head, "Cookie") == lines{"session=1"});
    REQUIRE(values_of(head, "Authorization") == lines{"Basic x"});
    REQUIRE(values_of(head, "Host") == lines{"shop.example"});
}

TEST_CASE("poisoning: a variant is made of what the origin was sent", "[cache]")
{
    const rule by;
    const auto variant = [&by](const std::vector<field_view>& fields, const std::string& vary) {
        const outgoing_fields sent{"GET", fields, by, true};
        return protocol::variant_key(sent.view(), {vary});
    };
    const std::vector<field_view> victim{{"Accept", "application/json"}, {"Accept-Encoding", "br, gzip"}};

    // The origin answers as to a request without Accept, and that is what it is kept as.
    const std::vector<field_view> nominating{{"Accept", "application/json"}, {"Connection", "Accept"}};
    REQUIRE(variant(nominating, "accept") == variant({}, "accept"));
    REQUIRE(variant(nominating, "accept") != variant(victim, "accept"));

    // The origin can't vary by what it never sees.
    REQUIRE(variant({{"X-Forwarded-Host", evil}}, "x-forwarded-host") == variant({}, "x-forwarded-host"));

    // Nor by more encodings than the rule names.
    REQUIRE(variant({{"Accept-Encoding", "zstd, gzip, br;q=0.2"}}, "accept-encoding") ==
            variant(victim, "accept-encoding"));
    REQUIRE(variant({{"Accept-Encoding", "gzip"}, {"Connection", "Accept-Encoding"}}, "accept-encoding") ==
            variant({{"Accept-Encoding", "gzip"}}, "accept-encoding"));
}

TEST_CASE("poisoning: the method can be overridden where nothing is stored, by POST alone", "[cache]")
{
    const std::vector<field_view> fields{{"X-HTTP-Method-Override", "DELETE"}};
    const auto told = [&fields](const char* method) {
        return values_of(head_of(one_site(), {.method = method, .fields = fields, .shared = false}),
                         "X-HTTP-Method-Override");
    };
    REQUIRE(told("POST") == lines{"DELETE"});
    for (const auto* const method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}) REQUIRE(told(method).empty());
}
