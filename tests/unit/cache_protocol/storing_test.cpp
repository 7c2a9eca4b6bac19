#include "services/cache/protocol/policy.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/cache_protocol/exchange.hpp"

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using namespace shoal::cache::protocol::test;

namespace {

const field_list fresh{{"Cache-Control", "max-age=100000"}};

std::string_view reason(const field_list& fields, unsigned status = 200)
{
    const auto decided = decide(fields, status);
    CHECK(decided.allowed == decided.reason.empty());
    return decided.reason;
}

std::string_view reason_for(const field_list& request, const field_list& fields, const site_policy& site = {})
{
    return decide_for(request, fields, site).reason;
}

}  // namespace

TEST_CASE("storing: any final status with explicit freshness", "[cache_protocol]")
{
    for (const unsigned status :
         {200U, 203U, 204U, 299U, 301U, 302U, 303U, 307U, 308U, 400U, 404U, 410U, 499U, 500U, 502U, 503U, 504U, 599U}) {
        CAPTURE(status);
        CHECK(reason(fresh, status).empty());
        CHECK(is_reused(fresh, status));
        CHECK_FALSE(
            is_reused({{"Expires", date(-5000)}, {"Last-Modified", date(-100'000)}, {"Date", date(0)}}, status));
    }
}

TEST_CASE("storing: never what is about one request only", "[cache_protocol]")
{
    for (const unsigned status : {100U, 103U, 304U, 407U, 408U, 412U, 413U, 416U, 421U, 425U, 431U}) {
        CAPTURE(status);
        CHECK(reason(fresh, status) == "status");
        CHECK(decide(fresh, status).only_this);
    }
}

TEST_CASE("storing: no-store and private", "[cache_protocol]")
{
    CHECK(reason({{"Cache-Control", "No-StOrE"}}) == "no-store");
    CHECK(reason({{"Cache-Control", "max-age=10000, no-store"}, {"Expires", date(10'000)}}) == "no-store");
    CHECK(reason({{"Cache-Control", "private, max-age=3600"}}) == "private");
    CHECK_FALSE(decide({{"Cache-Control", "no-store"}}).only_this);
}

TEST_CASE("storing: must-understand lifts no-store for a status that is known (RFC 9111, 5.2.2.3)", "[cache_protocol]")
{
    const field_list fields{{"Cache-Control", "max-age=3600, no-store, must-understand"}};
    CHECK(reason(fields, 200).empty());
    CHECK(reason(fields, 599) == "no-store");
    CHECK(reason({{"Cache-Control", "max-age=3600, must-understand"}}, 599) == "no-store");
}

TEST_CASE("storing: without freshness only what can be validated", "[cache_protocol]")
{
    CHECK(reason({}) == "no-freshness");
    CHECK(reason({{"ETag", "\"a\""}}).empty());
    CHECK(reason({{"ETag", "a"}}) == "no-freshness");
    CHECK(reason({{"Last-Modified", date(-10)}}).empty());
    CHECK(reason({{"ETag", "\"a\""}}, 404) == "no-freshness");
    CHECK(reason({{"Cache-Control", "no-cache"}}) == "no-freshness");
    CHECK(reason({{"Cache-Control", "no-cache, max-age=60"}, {"ETag", "\"a\""}}).empty());
    CHECK(reason({{"Cache-Control", "max-age=0, stale-while-revalidate=5"}}).empty());
    CHECK(reason({{"Cache-Control", "max-age=5, stale-while-revalidate=5"}, {"Age", "10"}}) == "no-freshness");
}

TEST_CASE("storing: an answer to Authorization only when it is for all (RFC 9111, 3.5)", "[cache_protocol]")
{
    const field_list request{{"Authorization", "FOO"}};
    CHECK(reason_for(request, fresh) == "authorization");
    CHECK(decide_for(request, fresh).only_this);
    CHECK(reason_for(request, {{"Cache-Control", "max-age=3600, public"}}).empty());
    CHECK(reason_for(request, {{"Cache-Control", "max-age=3600, must-revalidate"}}).empty());
    CHECK(reason_for(request, {{"Cache-Control", "s-maxage=3600"}}).empty());
    CHECK(reason_for(request, {{"CDN-Cache-Control", "max-age=3600"}}) == "authorization");
    CHECK(reason_for(request, {{"CDN-Cache-Control", "max-age=3600"}, {"Cache-Control", "public"}}) == "authorization");
    CHECK(reason_for(request, {{"CDN-Cache-Control", "max-age=3600, public"}}).empty());
    CHECK(is_personal(get(request), {}));
}

TEST_CASE("storing: an answer to a Cookie likewise, unless the site takes cookies off", "[cache_protocol]")
{
    const field_list request{{"Cookie", "session=1"}};
    CHECK(reason_for(request, fresh) == "cookie");
    CHECK(decide_for(request, fresh).only_this);
    CHECK(reason_for(request, {{"Cache-Control", "max-age=3600, must-revalidate"}}) == "cookie");
    CHECK(reason_for(request, {{"Cache-Control", "max-age=3600, public"}}).empty());
    CHECK(reason_for(request, fresh, {.guard_cookies = false}).empty());
    CHECK(is_personal(get(request), {}));
    CHECK_FALSE(is_personal(get(request), {.guard_cookies = false}));
    CHECK_FALSE(is_personal(get(), {}));
}

TEST_CASE("storing: Set-Cookie only when it is for all, or not kept", "[cache_protocol]")
{
    const auto with = [](std::string_view directives) {
        return field_list{{"Cache-Control", directives}, {"Set-Cookie", "a=b"}};
    };
    CHECK(reason(with("max-age=60")) == "set-cookie");
    CHECK(reason(with("max-age=60, public")).empty());
    CHECK(reason(with("s-maxage=60")).empty());
    CHECK(decide(with("max-age=60"), 200, {.store_set_cookie = true}).allowed);
    const auto withheld = decide(with("max-age=60, no-cache=\"Set-Cookie\""));
    CHECK(withheld.allowed);
    CHECK(withheld.withheld == std::vector<std::string>{"set-cookie"});
}

TEST_CASE("storing: only GET, and nothing that depends on what only an origin judges", "[cache_protocol]")
{
    const exchange_times times{.received = noon};
    CHECK(decide_storing(read_request("HEAD", {}), 200, fresh, {}, times).reason == "method");
    CHECK(decide_storing(read_request("POST", {}), 200, fresh, {}, times).reason == "method");
    CHECK(reason_for({{"If-Match", "\"a\""}}, fresh) == "request");
    CHECK(reason_for({{"Cache-Control", "no-store"}}, fresh) == "request");
}

TEST_CASE("storing: a part only under a strong ETag", "[cache_protocol]")
{
    CHECK(reason(fresh, 206) == "status");
    CHECK(reason({{"Cache-Control", "max-age=60"}, {"ETag", "W/\"a\""}}, 206) == "status");
    CHECK(reason({{"Cache-Control", "max-age=60"}, {"ETag", "\"a\""}}, 206).empty());
}

TEST_CASE("storing: Vary", "[cache_protocol]")
{
    CHECK(decide({{"Cache-Control", "max-age=60"}, {"Vary", "Foo, Bar"}}).vary == "bar,foo");
    for (const auto* const star : {"*", "*, *", ", *", "*, Foo", "Foo, *"}) {
        CAPTURE(star);
        CHECK(reason({{"Cache-Control", "max-age=60"}, {"Vary", star}}) == "vary");
    }
    CHECK(reason({{"Cache-Control", "max-age=60"}, {"Vary", ""}, {"Vary", "*"}}) == "vary");
}

TEST_CASE("storing: a 304 gives a new life, with its own age", "[cache_protocol]")
{
    const field_list merged{{"Cache-Control", "max-age=60"}, {"ETag", "\"a\""}};
    const field_list newer{{"Age", "7"}};
    const auto updated = decide_update(get(), 200, merged, newer, {}, {.received = noon, .delay = 1});
    CHECK(updated.allowed);
    CHECK(updated.use.initial_age == 8);
    CHECK(updated.use.fresh_for == 60);
    const auto fixed = decide_update(get(), 200, merged, newer, {.ttl = 10}, {.received = noon, .delay = 1});
    CHECK(fixed.use.fresh_for == 18);
    const field_list voided{{"Cache-Control", "no-store"}};
    CHECK_FALSE(decide_update(get(), 200, voided, voided, {}, {.received = noon}).allowed);
}
