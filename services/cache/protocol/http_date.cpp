#include "services/cache/protocol/http_date.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"

namespace shoal::cache::protocol {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> short_days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};

/// Takes a text apart from its beginning; after the first thing that is not as expected, nothing is.
class scanner {
public:
    explicit scanner(std::string_view text) noexcept : rest_{text} {}

    [[nodiscard]] bool done() const noexcept { return good_ && rest_.empty(); }

    void text(std::string_view expected) noexcept
    {
        good_ = good_ && iequals(rest_.substr(0, expected.size()), expected);
        if (good_) rest_.remove_prefix(expected.size());
    }

    template <std::size_t N>
    bool starts_with_one_of(const std::array<std::string_view, N>& names, unsigned& index) noexcept
    {
        for (index = 0; index < N; ++index) {
            if (!iequals(rest_.substr(0, names[index].size()), names[index])) continue;
            rest_.remove_prefix(names[index].size());
            return true;
        }
        return false;
    }

    template <std::size_t N>
    unsigned one_of(const std::array<std::string_view, N>& names) noexcept
    {
        unsigned index = 0;
        good_ = good_ && starts_with_one_of(names, index);
        return index;
    }

    /// `count` digits, of which the first may be a space where that is said.
    unsigned digits(std::size_t count, bool padded = false) noexcept
    {
        unsigned number = 0;
        good_ = good_ && rest_.size() >= count;
        for (std::size_t at = 0; good_ && at < count; ++at) {
            const char c = rest_[at];
            if (padded && at == 0 && c == ' ') continue;
            good_ = is_digit(c);
            number = number * 10 + static_cast<unsigned>(c - '0');
        }
        if (good_) rest_.remove_prefix(count);
        return number;
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

struct parts {
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
};

void read_time(scanner& from, parts& to) noexcept
{
    to.hour = from.digits(2);
    from.text(":");
    to.minute = from.digits(2);
    from.text(":");
    to.second = from.digits(2);
}

std::optional<sys_seconds> assemble(const parts& of) noexcept
{
    const year_month_day date{year{static_cast<int>(of.year)}, month{of.month + 1}, day{of.day}};
    // 60 is a leap second.
    if (!date.ok() || of.hour > 23 || of.minute > 59 || of.second > 60) return std::nullopt;
    return sys_days{date} + hours{of.hour} + minutes{of.minute} + seconds{of.second};
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<sys_seconds> parse_fixdate(std::string_view text) noexcept
{
    scanner from{text};
    parts to;
    from.one_of(short_days);
    from.text(", ");
    to.day = from.digits(2);
    from.text(" ");
    to.month = from.one_of(months);
    from.text(" ");
    to.year = from.digits(4);
    from.text(" ");
    read_time(from, to);
    from.text(" GMT");
    return from.done() ? assemble(to) : std::nullopt;
}

/// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<sys_seconds> parse_rfc850(std::string_view text, sys_seconds now) noexcept
{
    scanner from{text};
    parts to;
    from.one_of(long_days);
    from.text(", ");
    to.day = from.digits(2);
    from.text("-");
    to.month = from.one_of(months);
    from.text("-");
    const unsigned short_year = from.digits(2);
    from.text(" ");
    read_time(from, to);
    from.text(" GMT");
    if (!from.done()) return std::nullopt;
    const auto this_year = static_cast<unsigned>(static_cast<int>(year_month_day{floor<days>(now)}.year()));
    to.year = this_year / 100 * 100 + 100 + short_year;
    while (to.year > this_year + 50) to.year -= 100;
    return assemble(to);
}

/// "Sun Nov  6 08:49:37 1994"
std::optional<sys_seconds> parse_asctime(std::string_view text) noexcept
{
    scanner from{text};
    parts to;
    from.one_of(short_days);
    from.text(" ");
    to.month = from.one_of(months);
    from.text(" ");
    to.day = from.digits(2, true);
    from.text(" ");
    read_time(from, to);
    from.text(" ");
    to.year = from.digits(4);
    return from.done() ? assemble(to) : std::nullopt;
}

}  // namespace

std::optional<sys_seconds> parse_http_date(std::string_view text, sys_seconds now) noexcept
{
    if (const auto date = parse_fixdate(text)) return date;
    if (const auto date = parse_asctime(text)) return date;
    return parse_rfc850(text, now);
}

date_text format_http_date(sys_seconds when) noexcept
{
    const sys_days date = floor<days>(when);
    const year_month_day calendar{date};
    const hh_mm_ss time{when - date};
    date_text made{};
    std::size_t at = 0;
    const auto text = [&](std::string_view of) { at += of.copy(made.characters.data() + at, of.size()); };
    const auto number = [&](unsigned of, std::size_t width) {
        for (std::size_t digit = width; digit-- > 0; of /= 10)
            made.characters[at + digit] = static_cast<char>('0' + of % 10);
        at += width;
    };
    text(short_days[weekday{date}.c_encoding()]);
    text(", ");
    number(static_cast<unsigned>(calendar.day()), 2);
    text(" ");
    text(months[static_cast<unsigned>(calendar.month()) - 1]);
    text(" ");
    number(static_cast<unsigned>(static_cast<int>(calendar.year())), 4);
    text(" ");
    number(static_cast<unsigned>(time.hours().count()), 2);
    text(":");
    number(static_cast<unsigned>(time.minutes().count()), 2);
    text(":");
    number(static_cast<unsigned>(time.seconds().count()), 2);
    text(" GMT");
    return made;
}

}  // namespace shoal::cache::protocol
