#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "services/cache/handlers/ask.hpp"
#include "services/cache/protocol/vary.hpp"
#include "services/cache/site/forward.hpp"

using namespace shoal::cache;

namespace {

ask request(std::string_view method, std::vector<field_view> fields, const rule& by)
{
    ask made;
    made.by = &by;
    made.method = method;
    made.fields = std::move(fields);
    made.read();
    return made;
}

/// What the variant is by definition: of everything that the origin gets.
std::string by_definition(const ask& of, std::string_view vary)
{
    const outgoing_fields sent{of.method, of.fields, *of.by, of.cacheable};
    return protocol::variant_key(sent.view(), vary);
}

}  // namespace

TEST_CASE("ask: a variant is made of what the origin gets, though only what Vary names is read", "[cache]")
{
    const std::vector<std::vector<field_view>> requests{
        {{"Host", "a"}, {"Accept-Encoding", "gzip, deflate, br"}, {"Accept-Language", "de, en;q=0.5"}},
        {{"Host", "a"}, {"accept-encoding", "br;q=0"}, {"Accept-Encoding", "gzip"}, {"Cookie", "a=1"}},
        {{"Connection", "x-color"}, {"X-Color", "red"}, {"X-Size", "1"}},
        {{"X-Color", "red"}, {"Connection", "close"}, {"connection", "X-Size"}, {"X-Size", "1"}, {"X-Size", "2"}},
        {{"X-Forwarded-For", "192.0.2.1"}, {"X_Color", "red"}, {"X-Color", "a\x01"}},
        {{"Cookie", "a=1"}, {"Authorization", "b"}, {"X-HTTP-Method", "PUT"}},
        {},
    };
    const std::vector<std::string> names{"accept-encoding",
                                         "accept-encoding,accept-language",
                                         "x-color",
                                         "x-color,x-size",
                                         "connection,x-forwarded-for",
                                         "cookie,x-http-method",
                                         "authorization,host,x_color"};
    rule plain;
    rule folding;
    folding.accept_encoding = {};
    folding.accept_language = {"en", "de"};
    folding.cookies = cookie_mode::ignore;
    rule passing;
    passing.pass = true;
    for (const auto* const by : {&plain, &folding, &passing})
        for (const auto* const method : {"GET", "POST"})
            for (const auto& fields : requests)
                for (const auto& vary : names) {
                    auto asked = request(method, fields, *by);
                    CAPTURE(method, vary, fields.size());
                    CHECK(std::string{asked.of(vary)} == by_definition(asked, vary));
                }
}

TEST_CASE("ask: a field that Connection nominates makes no variant", "[cache]")
{
    const rule by;
    auto nominated = request("GET", {{"X-Color", "red"}, {"Connection", "x-color"}}, by);
    auto absent = request("GET", {}, by);
    auto present = request("GET", {{"X-Color", "red"}}, by);
    const std::string variant{absent.of("x-color")};
    CHECK(nominated.of("x-color") == variant);
    CHECK(present.of("x-color") != variant);
}
