#include "services/cache/site/forward.hpp"

#include <catch2/catch.hpp>

#include "services/cache/site/key.hpp"
#include "tests/unit/cache_site/forwarding.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;

TEST_CASE("forward: the head of a plain request", "[cache]")
{
    const auto made = one_site();
    const client asks{.target = "/list?page=2", .fields = {{"Host", "Shop.example"}, {"Accept", "text/html"}}};
    REQUIRE(head_of(made, asks) ==
            "GET /list?page=2 HTTP/1.1\r\n"
            "Host: shop.example\r\n"
            "Accept: text/html\r\n"
            "Accept-Encoding: identity\r\n"
            "X-Forwarded-Host: shop.example\r\n"
            "X-Forwarded-Proto: http\r\n"
            "Via: 1.1 shoal\r\n"
            "CDN-Loop: shoal\r\n");
}

TEST_CASE("forward: the site's own Host when it has one, X-Forwarded-Host as the client sees it", "[cache]")
{
    const auto made = one_site(R"("origin_host":"app.internal:8080")");
    const auto head = head_of(made, {.host = "shop.example:8000"});
    REQUIRE(values_of(head, "Host") == lines{"app.internal:8080"});
    REQUIRE(values_of(head, "X-Forwarded-Host") == lines{"shop.example:8000"});
}

TEST_CASE("forward: the scheme is the proxy's, and a part of the key", "[cache]")
{
    const auto scheme_by = [](const lines& protos) {
        std::vector<field_view> fields;
        for (const auto& one : protos) fields.push_back({"x-forwarded-proto", one});
        return scheme_of(fields);
    };
    REQUIRE(scheme_by({}) == scheme::http);
    REQUIRE(scheme_by({"https"}) == scheme::https);
    REQUIRE(scheme_by({"HTTPS"}) == scheme::https);
    REQUIRE(scheme_by({"https, http"}) == scheme::http);
    REQUIRE(scheme_by({"http", "https"}) == scheme::https);
    REQUIRE(scheme_by({"https://evil"}) == scheme::http);
    const auto made = one_site();
    const auto head = head_of(made, {.over = scheme::https, .fields = {{"X-Forwarded-Proto", "https"}}});
    REQUIRE(values_of(head, "X-Forwarded-Proto") == lines{"https"});
}

TEST_CASE("forward: X-Forwarded-For has addresses alone, and as many as the site says", "[cache]")
{
    const std::vector<field_view> fields{{"X-Forwarded-For", "<script>, 1.2.3.4"},
                                         {"x-forwarded-for", "5.6.7.8,2001:db8::1"}};
    const auto told = [&](const char* which) {
        return values_of(head_of(one_site(std::string{R"("forwarded_for":")"} + which + '"'), {.fields = fields}),
                         "X-Forwarded-For");
    };
    REQUIRE(told("client") == lines{"2001:db8::1"});
    REQUIRE(told("chain") == lines{"1.2.3.4, 5.6.7.8, 2001:db8::1"});
    REQUIRE(told("none").empty());
    const auto spoiled = head_of(one_site(), {.fields = {{"X-Forwarded-For", "1.2.3.4, evil"}}});
    REQUIRE(values_of(spoiled, "X-Forwarded-For").empty());
}

TEST_CASE("forward: the client is the last address that is no trusted proxy's", "[cache]")
{
    const auto client_by = [](const char* forwarded, const char* which = "client") {
        const auto made =
            read_valid(std::string{R"({"trusted_proxies":["10.0.0.0/8"],"sites":[{"name":"shop","hosts":["*"],)"} +
                       R"("origins":["127.0.0.1:8000"],"forwarded_for":")" + which + R"("}]})");
        return values_of(head_of(made, {.fields = {{"X-Forwarded-For", forwarded}}}), "X-Forwarded-For");
    };
    REQUIRE(client_by("192.0.2.1, 10.0.0.1") == lines{"192.0.2.1"});
    REQUIRE(client_by("192.0.2.1, 10.0.0.2, 10.0.0.1") == lines{"192.0.2.1"});
    REQUIRE(client_by("198.51.100.9, 192.0.2.1, 10.0.0.1") == lines{"192.0.2.1"});
    REQUIRE(client_by("10.0.0.1, 192.0.2.1") == lines{"192.0.2.1"});
    REQUIRE(client_by("10.0.0.2, 10.0.0.1") == lines{"10.0.0.2"});
    REQUIRE(client_by("192.0.2.1, unknown, 10.0.0.1").empty());
    REQUIRE(client_by("192.0.2.1, 10.0.0.1", "chain") == lines{"192.0.2.1, 10.0.0.1"});
}

TEST_CASE("forward: encodings and languages are folded where the answer may be shared", "[cache]")
{
    const auto made = one_site(R"("accept_encoding":["gzip"],"accept_language":["en","sv"])");
    const client asks{
        .fields = {{"Accept-Encoding", "br, gzip"}, {"accept-language", "sv-SE"}, {"Accept-Encoding", "zstd"}}};
    const auto shared = head_of(made, asks);
    REQUIRE(values_of(shared, "Accept-Encoding") == lines{"gzip"});
    REQUIRE(values_of(shared, "Accept-Language") == lines{"sv"});
    auto alone = asks;
    alone.shared = false;
    REQUIRE(values_of(head_of(made, alone), "Accept-Encoding") == lines{"br, gzip", "zstd"});
    const auto untouched = one_site(R"("accept_encoding":[])");
    REQUIRE(values_of(head_of(untouched, asks), "Accept-Encoding") == lines{"br, gzip", "zstd"});
    REQUIRE(values_of(head_of(untouched, {}), "Accept-Encoding").empty());
}

TEST_CASE("forward: ignored cookies do not reach the origin where the answer may be shared", "[cache]")
{
    const client asks{.fields = {{"Cookie", "session=1"}, {"cookie", "b=2"}}};
    REQUIRE(values_of(head_of(one_site(), asks), "Cookie") == lines{"session=1", "b=2"});
    const auto ignoring = one_site(R"("cookies":"ignore")");
    REQUIRE(values_of(head_of(ignoring, asks), "Cookie").empty());
    auto alone = asks;
    alone.shared = false;
    REQUIRE(values_of(head_of(ignoring, alone), "Cookie") == lines{"session=1", "b=2"});
}

TEST_CASE("forward: fields are replaced and dropped without regard to case", "[cache]")
{
    const auto made = one_site();
    const auto& shop = made.sites.all().front();
    const std::vector<field_view> fields{{"if-none-match", "\"client\""}, {"RANGE", "bytes=0-1"}, {"X-A", "1"}};
    const std::vector<field_view> replace{{"If-None-Match", "\"stored\""}};
    const std::vector<std::string_view> drop{"Range"};
    const outgoing_fields kept{"GET", fields, shop.otherwise, true};
    const auto head = forward_head({.method = "GET",
                                    .target = "/",
                                    .host = "shop.example",
                                    .received = fields,
                                    .fields = kept.view(),
                                    .replace = replace,
                                    .drop = drop},
                                   shop);
    REQUIRE(values_of(head, "If-None-Match") == lines{"\"stored\""});
    REQUIRE(values_of(head, "Range").empty());
    REQUIRE(values_of(head, "X-A") == lines{"1"});
}

TEST_CASE("forward: caches on the way add themselves, and know themselves again", "[cache]")
{
    const std::vector<field_view> fields{{"Via", "1.0 edge"}, {"CDN-Loop", "other; a=b"}};
    const auto head = head_of(one_site(), {.fields = fields});
    REQUIRE(values_of(head, "Via") == lines{"1.0 edge", "1.1 shoal"});
    REQUIRE(values_of(head, "CDN-Loop") == lines{"other; a=b", "shoal"});
    REQUIRE_FALSE(loops(fields));
    const auto loops_by = [](const char* value) { return loops(std::vector<field_view>{{"cdn-loop", value}}); };
    REQUIRE(loops_by("shoal"));
    REQUIRE(loops_by("other, Shoal;hops=2"));
    REQUIRE_FALSE(loops_by("shoals"));
    REQUIRE_FALSE(loops_by("other;by=shoal"));
    REQUIRE_FALSE(loops_by(""));
}

TEST_CASE("forward: outgoing fields hold across a move", "[cache]")
{
    const auto made = one_site(R"("accept_language":["en"])");
    const std::vector<field_view> fields{{"Accept-Encoding", "gzip, br"}, {"Accept-Language", "sv"}};
    outgoing_fields before{"GET", fields, made.sites.all().front().otherwise, true};
    const outgoing_fields after = std::move(before);
    REQUIRE(after.view().size() == 2);
    REQUIRE(after.view()[0].value == "br, gzip");
    REQUIRE(after.view()[1].value == "en");
}

TEST_CASE("forward: what is about one request does not go where others get the answer", "[cache]")
{
    const auto made = one_site();
    client asks{.fields = {{"X-Request-Id", "mine"}, {"x-request-deadline-ms", "5"}, {"X-Other", "o"}}};
    for (const bool shared : {true, false}) {
        asks.shared = shared;
        const auto head = head_of(made, asks);
        CHECK(values_of(head, "X-Request-Id") == (shared ? lines{} : lines{"mine"}));
        CHECK(values_of(head, "X-Request-Deadline-Ms") == (shared ? lines{} : lines{"5"}));
        CHECK(values_of(head, "X-Other") == lines{"o"});
    }
}

TEST_CASE("forward: how far OPTIONS and TRACE may go (RFC 9110, 7.6.2)", "[cache]")
{
    const auto left = [](std::string_view method, std::string_view value) {
        const std::vector<field_view> fields{{"max-forwards", value}};
        return forwards_left(method, fields);
    };
    CHECK(left("OPTIONS", "0") == 0U);
    CHECK(left("TRACE", "12") == 12U);
    CHECK(left("OPTIONS", "99999999999999999999") == 4'294'967'295U);
    for (const auto* const wrong : {"", "-1", "1x", "+1"}) CHECK_FALSE(left("OPTIONS", wrong));
    CHECK_FALSE(left("GET", "5"));
    CHECK_FALSE(forwards_left("OPTIONS", {}));
}
