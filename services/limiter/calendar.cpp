#include "services/limiter/calendar.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

namespace shoal::limiter {
namespace {

constexpr std::int64_t us_per_s = 1'000'000;

using instant = cctz::time_point<cctz::seconds>;

/// Whole seconds since 1970, of a window's ends.
struct bounds {
    std::int64_t begin_s = 0;
    std::int64_t end_s = 0;
};

std::int64_t rest_of(std::int64_t value, std::int64_t by) noexcept
{
    const auto rest = value % by;
    return rest < 0 ? rest + by : rest;
}

/// By how much the zone's seconds, minutes or hours are shifted against those of UTC. Most changes of an offset,
/// daylight saving time among them, change nothing about where an hour begins.
std::int64_t phase_at(const cctz::time_zone& zone, std::int64_t at_s, std::int64_t length_s)
{
    return rest_of(zone.lookup(instant{cctz::seconds{at_s}}).offset, length_s);
}

/// The first second in (from, to] whose phase is that of `to`; the phase of `from` is another.
std::int64_t change_between(const cctz::time_zone& zone, std::int64_t from_s, std::int64_t to_s, std::int64_t length_s)
{
    const auto phase = phase_at(zone, to_s, length_s);
    while (to_s - from_s > 1) {
        const auto middle = from_s + (to_s - from_s) / 2;
        (phase_at(zone, middle, length_s) == phase ? to_s : from_s) = middle;
    }
    return to_s;
}

/// Windows of a fixed length. An hour that the clock shows twice is two hours. Where the phase changes, a window
/// ends early and another begins.
bounds even_bounds(const cctz::time_zone& zone, std::int64_t length_s, std::int64_t now_s)
{
    if (length_s == 1) return {now_s, now_s + 1};
    const auto phase = phase_at(zone, now_s, length_s);
    bounds made{.begin_s = now_s - rest_of(now_s + phase, length_s)};
    made.end_s = made.begin_s + length_s;
    if (phase_at(zone, made.begin_s, length_s) != phase)
        made.begin_s = change_between(zone, made.begin_s, now_s, length_s);
    if (phase_at(zone, made.end_s - 1, length_s) != phase)
        made.end_s = change_between(zone, now_s, made.end_s - 1, length_s);
    return made;
}

cctz::civil_day date_of(span length, cctz::civil_day day)
{
    switch (length) {
    case span::week: return day - static_cast<int>(cctz::get_weekday(day));
    case span::month: return cctz::civil_day{cctz::civil_month{day}};
    default: return day;
    }
}

cctz::civil_day date_after(span length, cctz::civil_day date)
{
    switch (length) {
    case span::week: return date + 7;
    case span::month: return cctz::civil_day{cctz::civil_month{date} + 1};
    default: return date + 1;
    }
}

/// A date begins when the zone's clock first shows its midnight, or skips it. So the begins ascend with the dates,
/// whatever the clock does; a date that is skipped as a whole begins with the one after it.
std::int64_t begin_of(const cctz::time_zone& zone, cctz::civil_day date)
{
    return cctz::convert(cctz::civil_second{date}, zone).time_since_epoch().count();
}

bounds date_bounds(const cctz::time_zone& zone, span length, std::int64_t now_s)
{
    auto date = date_of(length, cctz::civil_day{zone.lookup(instant{cctz::seconds{now_s}}).cs});
    bounds made{.begin_s = begin_of(zone, date), .end_s = begin_of(zone, date_after(length, date))};
    // The clock was put back to the day before: the later date has begun already.
    while (made.end_s <= now_s) {
        date = date_after(length, date);
        made = {.begin_s = made.end_s, .end_s = begin_of(zone, date_after(length, date))};
    }
    return made;
}

/// Else cctz takes paths and names of its own ("file:", "libc:", "localtime", "Fixed/").
bool is_zone_name(std::string_view name)
{
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '+' || c == '/';
    };
    return !name.empty() && name.front() != '/' && name != "localtime" && !name.starts_with("Fixed/") &&
           std::all_of(name.begin(), name.end(), fits);
}

class zone_calendar final : public calendar {
public:
    zone_calendar(span length, std::string name, const cctz::time_zone& zone)
        : length_{length}, name_{std::move(name)}, zone_{zone}
    {
    }

    [[nodiscard]] window around(std::int64_t now_us) const override
    {
        const auto now_s = (now_us - rest_of(now_us, us_per_s)) / us_per_s;
        const auto found = bounds_at(now_s);
        return {.begin_us = found.begin_s * us_per_s, .end_us = found.end_s * us_per_s};
    }
    [[nodiscard]] span length() const noexcept override { return length_; }
    [[nodiscard]] const std::string& zone() const noexcept override { return name_; }

private:
    [[nodiscard]] bounds bounds_at(std::int64_t now_s) const
    {
        switch (length_) {
        case span::second: return even_bounds(zone_, 1, now_s);
        case span::minute: return even_bounds(zone_, 60, now_s);
        case span::hour: return even_bounds(zone_, 3600, now_s);
        default: return date_bounds(zone_, length_, now_s);
        }
    }

    span length_;
    std::string name_;
    cctz::time_zone zone_;
};

}  // namespace

std::shared_ptr<const calendar> calendar::make(span length, std::string_view zone)
{
    cctz::time_zone found;
    if (!is_zone_name(zone) || !cctz::load_time_zone(std::string{zone}, &found)) return nullptr;
    return std::make_shared<zone_calendar>(length, std::string{zone}, found);
}

}  // namespace shoal::limiter
