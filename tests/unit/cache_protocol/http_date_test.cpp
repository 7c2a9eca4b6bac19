#include "services/cache/protocol/http_date.hpp"

#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/cache_protocol/exchange.hpp"

using namespace shoal::cache::protocol;
using namespace std::chrono;
using shoal::cache::protocol::test::noon;

namespace {

constexpr sys_seconds example = sys_days{1994y / 11 / 6} + 8h + 49min + 37s;

bool reads(std::string_view text)
{
    return parse_http_date(text, noon).has_value();
}

}  // namespace

TEST_CASE("http_date: the three forms are one moment", "[cache_protocol]")
{
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", noon) == example);
    CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", noon) == example);
    CHECK(parse_http_date("Sun Nov  6 08:49:37 1994", noon) == example);
    CHECK(parse_http_date("sUN, 06 nOV 1994 08:49:37 gmt", noon) == example);
    CHECK(format_http_date(example).view() == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("http_date: a year of two digits is at most 50 years ahead", "[cache_protocol]")
{
    const auto year_of = [](std::string_view text) {
        return static_cast<int>(year_month_day{floor<days>(parse_http_date(text, noon).value())}.year());
    };
    CHECK(year_of("Thursday, 18-Aug-50 02:01:18 GMT") == 2050);
    CHECK(year_of("Tuesday, 18-Aug-76 02:01:18 GMT") == 2076);
    CHECK(year_of("Wednesday, 18-Aug-77 02:01:18 GMT") == 1977);
    CHECK(year_of("Saturday, 01-Jan-00 00:00:00 GMT") == 2000);
}

TEST_CASE("http_date: far ahead, before 1970, and a leap second", "[cache_protocol]")
{
    CHECK(parse_http_date("Sun, 21 Nov 2286 04:46:39 GMT", noon) == sys_days{2286y / 11 / 21} + 4h + 46min + 39s);
    CHECK(parse_http_date("Thu, 01 Jan 1601 00:00:00 GMT", noon) == sys_days{1601y / 1 / 1});
    CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", noon) == sys_days{2017y / 1 / 1});
}

TEST_CASE("http_date: what is no date is none", "[cache_protocol]")
{
    for (const auto* const wrong : {"",
                                    "0",
                                    "-1",
                                    "foo",
                                    "Thu, 18 Aug 2050 02:01:18 UTC",
                                    "Thu, 18 Aug 2050 02:01:18 AEST",
                                    "Thu, 18 Aug 50 02:01:18 GMT",
                                    "Thu 18 Aug 2050 02:01:18 GMT",
                                    "Thu, 18  Aug  2050 02:01:18 GMT",
                                    "Thu, 18-Aug-2050 02:01:18 GMT",
                                    "Thu, 18 Aug 2050 02.01.18 GMT",
                                    "Thu, 18 Aug 2050 2:01:18 GMT",
                                    "Thu, 18 Aug 2050 02:01:18",
                                    "Thu, 18 Aug 2050 02:01:18 GMT ",
                                    "Thu, 31 Feb 2050 02:01:18 GMT",
                                    "Thu, 00 Aug 2050 02:01:18 GMT",
                                    "Thu, 18 Aug 2050 24:00:00 GMT",
                                    "Thu, 18 Aug 2050 23:60:00 GMT",
                                    "Thu, 18 Aug 2050 23:00:61 GMT",
                                    "Xyz, 18 Aug 2050 02:01:18 GMT",
                                    "Thursday, 18-Aug-1950 02:01:18 GMT",
                                    "Thu, 18 Aug 20 50 2:01:18 GMT",
                                    "Thu Aug 18 02:01:18 50"}) {
        CAPTURE(wrong);
        CHECK_FALSE(reads(wrong));
    }
}

TEST_CASE("http_date: what is written is read back", "[cache_protocol]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    std::uniform_int_distribution<std::int64_t> any{-60'000'000'000, 253'402'300'799};
    for (int n = 0; n < 20'000; ++n) {
        const sys_seconds when{seconds{any(random)}};
        REQUIRE(parse_http_date(format_http_date(when).view(), noon) == when);
    }
}

TEST_CASE("http_date: every second of a day, and no text that lacks or has a character more", "[cache_protocol]")
{
    for (int second = 0; second < 86'400; second += 61) {
        const std::string text{format_http_date(example + seconds{second}).view()};
        REQUIRE(parse_http_date(text, noon) == example + seconds{second});
    }
    const std::string text{format_http_date(example).view()};
    for (std::size_t at = 0; at < text.size(); ++at) {
        CAPTURE(at);
        CHECK_FALSE(reads(text.substr(0, at)));
        CHECK_FALSE(reads(std::string{text}.insert(at, "x")));
    }
}
