#include "services/limiter/calendar.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>
#include <string>
#include <vector>

using namespace shoal::limiter;
using namespace std::chrono_literals;

namespace {

using std::chrono::year_month_day;

std::int64_t utc(year_month_day date, std::chrono::seconds time)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(
               (std::chrono::sys_days{date} + time).time_since_epoch())
        .count();
}

/// The window is that one for its first and its last microsecond, and neighbours touch it.
void require_window(const calendar& of, std::int64_t begin_us, std::int64_t end_us)
{
    const window expected{.begin_us = begin_us, .end_us = end_us};
    CAPTURE(of.zone(), static_cast<int>(of.length()), begin_us, end_us, of.around(begin_us).begin_us,
            of.around(begin_us).end_us);
    REQUIRE(of.around(begin_us) == expected);
    REQUIRE(of.around(begin_us + (end_us - begin_us) / 2) == expected);
    REQUIRE(of.around(end_us - 1) == expected);
    REQUIRE(of.around(begin_us - 1).end_us == begin_us);
    REQUIRE(of.around(end_us).begin_us == end_us);
}

const std::vector<std::string> zones{"UTC",
                                     "Europe/Stockholm",
                                     "America/New_York",
                                     "America/Sao_Paulo",
                                     "Asia/Beirut",
                                     "Asia/Kathmandu",
                                     "America/Caracas",
                                     "Pacific/Apia",
                                     "America/St_Johns",
                                     "Australia/Lord_Howe",
                                     "Africa/Monrovia",
                                     "Pacific/Chatham"};
const std::vector<span> spans{span::second, span::minute, span::hour, span::day, span::week, span::month};

}  // namespace

TEST_CASE("calendar: in UTC windows are those of the clock and of the calendar", "[limiter]")
{
    const auto in = [](span length) { return calendar::make(length, "UTC"); };
    const auto of = [&in](span length) { return in(length)->around(utc(2026y / 2 / 18, 13h + 14min + 15s) + 678'901); };
    REQUIRE(of(span::second) == window{utc(2026y / 2 / 18, 13h + 14min + 15s), utc(2026y / 2 / 18, 13h + 14min + 16s)});
    REQUIRE(of(span::minute) == window{utc(2026y / 2 / 18, 13h + 14min), utc(2026y / 2 / 18, 13h + 15min)});
    REQUIRE(of(span::hour) == window{utc(2026y / 2 / 18, 13h), utc(2026y / 2 / 18, 14h)});
    REQUIRE(of(span::day) == window{utc(2026y / 2 / 18, 0h), utc(2026y / 2 / 19, 0h)});
    // 18 February 2026 is a Wednesday.
    REQUIRE(of(span::week) == window{utc(2026y / 2 / 16, 0h), utc(2026y / 2 / 23, 0h)});
    REQUIRE(of(span::month) == window{utc(2026y / 2 / 1, 0h), utc(2026y / 3 / 1, 0h)});
    require_window(*in(span::month), utc(2028y / 2 / 1, 0h), utc(2028y / 3 / 1, 0h));
    require_window(*in(span::month), utc(2026y / 12 / 1, 0h), utc(2027y / 1 / 1, 0h));
    require_window(*in(span::day), utc(1969y / 12 / 31, 0h), utc(1970y / 1 / 1, 0h));
}

TEST_CASE("calendar: where daylight saving time begins or ends, a day has 23 or 25 hours", "[limiter]")
{
    const auto day = calendar::make(span::day, "Europe/Stockholm");
    require_window(*day, utc(2026y / 3 / 28, 23h), utc(2026y / 3 / 29, 22h));
    require_window(*day, utc(2026y / 10 / 24, 22h), utc(2026y / 10 / 25, 23h));
    require_window(*calendar::make(span::week, "Europe/Stockholm"), utc(2026y / 10 / 18, 22h),
                   utc(2026y / 10 / 25, 23h));
    require_window(*calendar::make(span::month, "Europe/Stockholm"), utc(2026y / 9 / 30, 22h),
                   utc(2026y / 10 / 31, 23h));
}

TEST_CASE("calendar: an hour that the clock shows twice is two windows, one that it skips is none", "[limiter]")
{
    const auto hour = calendar::make(span::hour, "Europe/Stockholm");
    for (const auto& [date, time] : {std::pair{2026y / 10 / 25, 0h}, std::pair{2026y / 3 / 29, 0h}})
        for (int i = 0; i < 3; ++i) require_window(*hour, utc(date, time + i * 1h), utc(date, time + (i + 1) * 1h));
}

TEST_CASE("calendar: a day whose midnight does not exist begins where the clock skips it", "[limiter]")
{
    require_window(*calendar::make(span::day, "America/Sao_Paulo"), utc(2018y / 11 / 4, 3h), utc(2018y / 11 / 5, 2h));
    require_window(*calendar::make(span::day, "Asia/Beirut"), utc(2018y / 3 / 24, 22h), utc(2018y / 3 / 25, 21h));
    // 23:30 to 00:30
    require_window(*calendar::make(span::day, "America/Toronto"), utc(1919y / 3 / 31, 4h + 30min),
                   utc(1919y / 4 / 1, 4h));
}

TEST_CASE("calendar: a day begins once, though the clock goes back over its midnight", "[limiter]")
{
    // At 00:01 on 7 November 2010 the clock went back to 23:01.
    const auto day = calendar::make(span::day, "America/St_Johns");
    require_window(*day, utc(2010y / 11 / 6, 2h + 30min), utc(2010y / 11 / 7, 2h + 30min));
    require_window(*day, utc(2010y / 11 / 7, 2h + 30min), utc(2010y / 11 / 8, 3h + 30min));
    REQUIRE(day->around(utc(2010y / 11 / 7, 3h)).begin_us == utc(2010y / 11 / 7, 2h + 30min));
}

TEST_CASE("calendar: a day that a zone skips has no window", "[limiter]")
{
    // Samoa went from 29 to 31 December 2011.
    const auto day = calendar::make(span::day, "Pacific/Apia");
    require_window(*day, utc(2011y / 12 / 29, 10h), utc(2011y / 12 / 30, 10h));
    require_window(*day, utc(2011y / 12 / 30, 10h), utc(2011y / 12 / 31, 10h));
}

TEST_CASE("calendar: hours follow offsets of half and quarter hours and stay contiguous when these change", "[limiter]")
{
    require_window(*calendar::make(span::hour, "Asia/Kathmandu"), utc(2026y / 2 / 18, 13h + 15min),
                   utc(2026y / 2 / 18, 14h + 15min));
    const auto howe = calendar::make(span::hour, "Australia/Lord_Howe");
    // 02:00 to 01:30 on 5 April 2026
    require_window(*howe, utc(2026y / 4 / 4, 14h), utc(2026y / 4 / 4, 15h));
    require_window(*howe, utc(2026y / 4 / 4, 15h), utc(2026y / 4 / 4, 15h + 30min));
    require_window(*howe, utc(2026y / 4 / 4, 15h + 30min), utc(2026y / 4 / 4, 16h + 30min));
    // 02:00 to 02:30 on 4 October 2026
    require_window(*howe, utc(2026y / 10 / 3, 14h + 30min), utc(2026y / 10 / 3, 15h + 30min));
    require_window(*howe, utc(2026y / 10 / 3, 15h + 30min), utc(2026y / 10 / 3, 16h));
    // 02:30 to 03:00, in the middle of an hour
    const auto caracas = calendar::make(span::hour, "America/Caracas");
    require_window(*caracas, utc(2016y / 5 / 1, 6h + 30min), utc(2016y / 5 / 1, 7h));
    require_window(*caracas, utc(2016y / 5 / 1, 7h), utc(2016y / 5 / 1, 8h));
    // Liberia gave up an offset of -00:44:30.
    const auto minute = calendar::make(span::minute, "Africa/Monrovia");
    require_window(*minute, utc(1972y / 1 / 7, 43min + 30s), utc(1972y / 1 / 7, 44min + 30s));
    require_window(*minute, utc(1972y / 1 / 7, 44min + 30s), utc(1972y / 1 / 7, 45min));
}

TEST_CASE("calendar: windows are never empty, never overlap and leave no gap", "[limiter][property]")
{
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto between = [&random](std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{least, most}(random);
    };
    // Near these some zone changes its offset.
    const std::vector<std::int64_t> changes{
        utc(2018y / 11 / 4, 3h),           utc(2018y / 3 / 24, 22h), utc(2010y / 11 / 7, 2h + 31min),
        utc(2011y / 12 / 30, 10h),         utc(2026y / 4 / 4, 15h),  utc(2026y / 10 / 3, 15h),
        utc(2026y / 3 / 29, 1h),           utc(2026y / 10 / 25, 1h), utc(1972y / 1 / 7, 44min + 30s),
        utc(1985y / 12 / 31, 18h + 30min), utc(2016y / 5 / 1, 7h)};
    for (const auto& zone : zones) {
        for (const auto length : spans) {
            const auto of = calendar::make(length, zone);
            REQUIRE(of != nullptr);
            for (int i = 0; i < 1500; ++i) {
                const bool near = i % 3 == 0;
                const auto now =
                    near ? changes[random() % changes.size()] + between(-7200, 7200) * 1'000'000 + between(-1, 1)
                         : between(0, utc(2100y / 1 / 1, 0h));
                const auto in = of->around(now);
                CAPTURE(zone, static_cast<int>(length), now, in.begin_us, in.end_us);
                const bool holds = in.begin_us <= now && now < in.end_us;
                const bool agrees = of->around(in.begin_us) == in && of->around(in.end_us - 1) == in;
                const bool touches =
                    of->around(in.end_us).begin_us == in.end_us && of->around(in.begin_us - 1).end_us == in.begin_us;
                if (!holds || !agrees || !touches) FAIL("not a window between its neighbours");
            }
        }
    }
}

TEST_CASE("calendar: a zone that is not one of the time zone database is refused", "[limiter]")
{
    for (const auto* name :
         {"", "Europe/Nowhere", "/etc/localtime", "localtime", "file:/etc/localtime", "libc:localtime",
          "../zoneinfo/UTC", "Fixed/UTC+01:00:00", "Europe", "zone.tab", "Europe/Stockholm "})
        REQUIRE(calendar::make(span::day, name) == nullptr);
    const auto made = calendar::make(span::week, "Etc/GMT+5");
    REQUIRE(made != nullptr);
    REQUIRE(made->zone() == "Etc/GMT+5");
    REQUIRE(made->length() == span::week);
}
