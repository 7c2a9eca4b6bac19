#include "services/cache/protocol/policy.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/cache_protocol/exchange.hpp"

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using namespace shoal::cache::protocol::test;

TEST_CASE("freshness: max-age and s-maxage (RFC 9111, 4.2.1)", "[cache_protocol]")
{
    CHECK_FALSE(is_reused({}));
    CHECK(is_reused({{"Cache-Control", "max-age=3600"}}));
    CHECK(is_reused({{"Cache-Control", "max-age=99999999999"}}));
    CHECK(is_reused({{"Cache-Control", "foobar, max-age=3600"}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "max-age=0"}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "max-age=-3600"}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "max-age='3600'"}}));
    CHECK(is_reused({{"Cache-Control", "s-maxage=3600"}}));
    CHECK(is_reused({{"Cache-Control", "max-age=1, s-maxage=3600"}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "s-maxage=1, max-age=3600"}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "max-age=3600"}, {"Cache-Control", "s-maxage=1"}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "s-maxage=x, max-age=3600"}}));
}

TEST_CASE("freshness: it ends at the second", "[cache_protocol]")
{
    const field_list fields{{"Cache-Control", "max-age=10"}};
    CHECK(ask_after(9, fields) == reuse::fresh);
    CHECK(ask_after(10, fields) == reuse::validate);
}

TEST_CASE("freshness: Age counts, as its first member says", "[cache_protocol]")
{
    const auto reused_with_age = [](std::string_view age) {
        return is_reused({{"Cache-Control", "max-age=3600"}, {"Date", date(0)}, {"Age", age}});
    };
    for (const auto* const old :
         {"7200", "2147483647", "2147483648", "2147483649", "99999999999999999999", "7200, 0"}) {
        CAPTURE(old);
        CHECK_FALSE(reused_with_age(old));
    }
    for (const auto* const ignored : {"abc", "-7200", "7200.0", "0, 7200", "0, 0", "", "7200;foo=bar", "7200 "}) {
        CAPTURE(ignored);
        CHECK(reused_with_age(ignored) == (std::string_view{ignored} != "7200 "));
    }
    CHECK_FALSE(is_reused({{"Cache-Control", "max-age=3600"}, {"Age", "7200"}, {"Age", "0"}}));
    CHECK(is_reused({{"Cache-Control", "max-age=3600"}, {"Age", "0"}, {"Age", "7200"}}));
    CHECK(is_reused({{"Cache-Control", "max-age=10000"}, {"Age", "3600"}, {"Age", "3600"}}));
}

TEST_CASE("freshness: the age at first is the larger of what Date and Age say (RFC 9111, 4.2.3)", "[cache_protocol]")
{
    const auto age = [](const field_list& fields, std::int64_t delay) {
        return initial_age(fields, {.received = noon, .delay = delay});
    };
    CHECK(age({}, 0) == 0);
    CHECK(age({}, 5) == 5);
    CHECK(age({{"Date", date(-30)}}, 5) == 30);
    CHECK(age({{"Date", date(-30)}, {"Age", "40"}}, 5) == 45);
    CHECK(age({{"Date", date(1000)}}, 0) == 0);
    CHECK(age({{"Date", "foo"}, {"Age", "7"}}, 0) == 7);
    CHECK_FALSE(is_reused({{"Date", date(-7200)}, {"Cache-Control", "max-age=3600"}}));
}

TEST_CASE("freshness: Expires, less Date (RFC 9111, 5.3)", "[cache_protocol]")
{
    CHECK(is_reused({{"Expires", date(3600)}, {"Date", date(0)}}));
    CHECK_FALSE(is_reused({{"Expires", date(-3600)}, {"Date", date(0)}}));
    CHECK_FALSE(is_reused({{"Expires", date(0)}, {"Date", date(0)}}));
    CHECK_FALSE(is_reused({{"Expires", date(300)}, {"Date", date(400)}}));
    CHECK(is_reused({{"Expires", date(10)}, {"Date", "foo"}}));
    CHECK_FALSE(is_reused({{"Expires", "0"}, {"Date", date(0)}}));
    CHECK(is_reused({{"Expires", "Tue, 19 Jan 2038 14:14:08 GMT"}, {"Date", date(0)}}));
    CHECK(is_reused({{"Expires", "Sun, 21 Nov 2286 04:46:39 GMT"}, {"Date", date(0)}}));
    CHECK(is_reused({{"Expires", "Thursday, 18-Aug-50 02:01:18 GMT"}, {"Date", date(0)}}));
    CHECK(is_reused({{"Expires", "Thu Aug  8 02:01:18 2050"}, {"Date", date(0)}}));
    CHECK_FALSE(is_reused({{"Expires", "Thu, 18 Aug 2050 02:01:18 UTC"}, {"Date", date(0)}}));
    CHECK_FALSE(is_reused({{"Expires", "Thu, 18 Aug 2050 2:01:18 GMT"},
                           {"Expires", "Thu, 18 Aug 2050 02:01:19 GMT"},
                           {"Date", date(0)}}));
}

TEST_CASE("freshness: Age against Expires, whatever the origin's clock says", "[cache_protocol]")
{
    CHECK_FALSE(is_reused({{"Date", date(-10)}, {"Expires", date(10)}, {"Age", "25"}}));
    CHECK_FALSE(is_reused({{"Date", date(10)}, {"Expires", date(20)}, {"Age", "15"}}));
}

TEST_CASE("freshness: Cache-Control goes before Expires", "[cache_protocol]")
{
    CHECK(is_reused({{"Cache-Control", "max-age=3600"}, {"Expires", date(-7200)}, {"Date", date(0)}}));
    CHECK(is_reused({{"Cache-Control", "max-age=3600"}, {"Expires", "0"}, {"Date", date(0)}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "max-age=0"}, {"Expires", date(3600)}, {"Date", date(0)}}));
    CHECK(is_reused({{"Cache-Control", "max-age=0, s-maxage=3600"}, {"Expires", date(-10)}}));
}

TEST_CASE("freshness: CDN-Cache-Control goes before both (RFC 9213)", "[cache_protocol]")
{
    CHECK(is_reused({{"CDN-Cache-Control", "max-age=3600"}}));
    CHECK(is_reused({{"CDN-Cache-Control", "max-age=99999999999"}}));
    CHECK_FALSE(is_reused({{"CDN-Cache-Control", "max-age=3600"}, {"Age", "7200"}}));
    CHECK_FALSE(is_reused({{"CDN-Cache-Control", "max-age=0"}, {"Expires", date(10'000)}}));
    CHECK(is_reused({{"CDN-Cache-Control", "max-age=3600"}, {"Expires", date(-10'000)}}));
    CHECK(is_reused({{"Cache-Control", "max-age=1"}, {"CDN-Cache-Control", "max-age=3600"}}));
    CHECK_FALSE(is_reused({{"Cache-Control", "max-age=3600"}, {"CDN-Cache-Control", "max-age=1"}}));
    CHECK_FALSE(is_reused({{"CDN-Cache-Control", "private"}, {"Cache-Control", "max-age=3600"}}));
    CHECK_FALSE(is_reused({{"CDN-Cache-Control", "no-cache"}, {"Cache-Control", "max-age=3600"}}));
    CHECK_FALSE(is_reused({{"CDN-Cache-Control", "no-store"}, {"Cache-Control", "max-age=3600"}}));
    CHECK(is_reused({{"CDN-Cache-Control", "max-age=3600"}, {"Cache-Control", "no-store"}}));
    CHECK_FALSE(is_reused({{"CDN-Cache-Control", "max-age=10000, &&&&&"}, {"Cache-Control", "no-store"}}));
    CHECK_FALSE(is_reused({{"CDN-Cache-Control", "max-age=\"10000\""}, {"Cache-Control", "no-store"}}));
    CHECK(is_reused({{"CDN-Cache-Control", "&&&"}, {"Cache-Control", "max-age=3600"}}));
}

TEST_CASE("freshness: a site may know other targeted fields, or none", "[cache_protocol]")
{
    const field_list fields{{"Shoal-Cache-Control", "max-age=9"}, {"CDN-Cache-Control", "max-age=5"}};
    CHECK(decide(fields, 200, {.targets = {"shoal-cache-control", "cdn-cache-control"}}).use.fresh_for == 9);
    CHECK(decide(fields, 200, {.targets = {}}).reason == "no-freshness");
}

TEST_CASE("freshness: it is guessed only where the site says so", "[cache_protocol]")
{
    const field_list fields{{"Last-Modified", date(-86'400)}, {"Date", date(0)}};
    CHECK(decide(fields).use.fresh_for == 0);
    const site_policy guessing{.heuristics = true};
    for (const unsigned status : {200U, 203U, 204U, 300U, 301U, 308U, 404U, 405U, 410U, 414U, 501U}) {
        CAPTURE(status);
        CHECK(decide(fields, status, guessing).use.fresh_for == 8640);
    }
    for (const unsigned status : {201U, 202U, 302U, 307U, 403U, 502U, 503U, 504U, 599U}) {
        CAPTURE(status);
        CHECK_FALSE(is_reused(fields, status, guessing));
    }
    CHECK(is_reused({{"Last-Modified", date(-86'400)}, {"Cache-Control", "public"}}, 599, guessing));
    CHECK(decide({{"Last-Modified", date(-86'400'000)}}, 200, guessing).use.fresh_for == 86'400);
    CHECK_FALSE(is_reused({{"Last-Modified", date(100)}}, 200, guessing));
    CHECK_FALSE(is_reused({{"Last-Modified", "yesterday"}}, 200, guessing));
    CHECK_FALSE(is_reused({{"Last-Modified", date(-86'400)}, {"Cache-Control", "max-age=0"}}, 200, guessing));
}

TEST_CASE("freshness: what a site says for those who say nothing", "[cache_protocol]")
{
    const site_policy site{.default_ttl = 60, .negative_ttl = 5};
    CHECK(decide({}, 200, site).use.fresh_for == 60);
    CHECK(decide({}, 302, site).use.fresh_for == 60);
    CHECK(decide({}, 404, site).use.fresh_for == 5);
    CHECK(decide({}, 503, site).use.fresh_for == 5);
    CHECK_FALSE(decide({}, 201, site).allowed);
    CHECK_FALSE(decide({}, 403, site).allowed);
    CHECK(decide({{"Cache-Control", "max-age=1"}}, 200, site).use.fresh_for == 1);
    CHECK_FALSE(decide({{"Cache-Control", "no-store"}}, 200, site).allowed);
    CHECK_FALSE(decide({}, 404, {.default_ttl = 60}).allowed);
}

TEST_CASE("freshness: a site's ttl goes before everything but what must not be stored", "[cache_protocol]")
{
    const site_policy site{.ttl = 60};
    const auto decided = decide({{"Cache-Control", "max-age=1"}, {"Age", "50"}}, 200, site);
    CHECK(judge({.use = decided.use, .age = decided.use.initial_age + 59}) == reuse::fresh);
    CHECK(judge({.use = decided.use, .age = decided.use.initial_age + 60}) == reuse::validate);
    CHECK_FALSE(decide({{"Cache-Control", "private"}}, 200, site).allowed);
    CHECK_FALSE(is_reused({{"Cache-Control", "no-cache"}}, 200, site));
}
