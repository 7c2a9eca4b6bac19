#include "common/log/format.hpp"

#include "common/core/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>

namespace shoal::log {
namespace {

using nlohmann::ordered_json;

std::string shortened(std::string_view text)
{
    if (text.size() <= longest_text) return std::string{text};
    std::size_t end = longest_text;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
    return fmt::format("{}...[{} bytes cut]", text.substr(0, end), text.size() - end);
}

ordered_json json_of(const field& one)
{
    return std::visit(
        [](auto value) -> ordered_json {
            if constexpr (std::is_same_v<decltype(value), std::string_view>)
                return shortened(value);
            else
                return value;
        },
        one.value);
}

std::string serialized(const ordered_json& value)
{
    return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// Year to microseconds in UTC, as RFC 3339 has it, without the zone.
std::string timestamp(wall_clock::time_point time)
{
    using namespace std::chrono;
    const auto whole = floor<microseconds>(time);
    const year_month_day date{floor<days>(whole)};
    const hh_mm_ss clock{whole - floor<days>(whole)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

bool is_control(unsigned char byte) noexcept
{
    return byte < 0x20 || byte == 0x7f;
}

/// U+0080 to U+009F, which a terminal takes for control characters too, are 0xc2 and 0x80 to 0x9f.
bool is_c1(std::string_view text, std::size_t at) noexcept
{
    return at + 1 < text.size() && static_cast<unsigned char>(text[at]) == 0xc2 &&
           static_cast<unsigned char>(text[at + 1]) < 0xa0;
}

std::string printable(std::string_view text)
{
    std::string repaired;
    if (!is_utf8(text)) {
        repaired = ordered_json::parse(serialized(std::string{text})).get<std::string>();
        text = repaired;
    }
    std::string shown;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == '\n')
            shown += "\\n";
        else if (byte == '\t')
            shown += "\\t";
        else if (is_control(byte))
            shown += fmt::format("\\x{:02x}", byte);
        else if (is_c1(text, i))
            shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
        else
            shown += text[i];
    }
    return shown;
}

std::string text_of(const field& one)
{
    if (const auto* text = std::get_if<std::string_view>(&one.value)) {
        const std::string shown = printable(shortened(*text));
        const bool bare = !shown.empty() && shown.find_first_of(" \"=") == std::string::npos;
        return bare ? shown : '"' + shown + '"';
    }
    return serialized(json_of(one));
}

std::string_view colour_of(level severity) noexcept
{
    constexpr std::array<std::string_view, 4> colours{"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
    return colours.at(static_cast<std::size_t>(severity));
}

}  // namespace

std::string_view name_of(level severity) noexcept
{
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    return names.at(static_cast<std::size_t>(severity));
}

std::string json_line(const record& what)
{
    ordered_json line;
    line["ts"] = timestamp(what.time) + 'Z';
    line["level"] = std::string{name_of(what.severity)};
    line["worker"] = std::string{what.worker};
    line["msg"] = shortened(what.message);
    for (const field& one : what.values) {
        std::string name{one.name};
        while (line.contains(name)) name += '_';
        line[name] = json_of(one);
    }
    return serialized(line);
}

std::string text_line(const record& what, bool coloured)
{
    const std::string time = timestamp(what.time).substr(11, 12);  // hours to milliseconds
    std::string line = coloured
                           ? fmt::format("{} {}{:<7}\x1b[0m ", time, colour_of(what.severity), name_of(what.severity))
                           : fmt::format("{} {:<7} ", time, name_of(what.severity));
    if (!what.worker.empty()) line += fmt::format("{}: ", printable(what.worker));
    line += printable(shortened(what.message));
    for (const field& one : what.values) line += fmt::format(" {}={}", printable(one.name), text_of(one));
    return line;
}

}  // namespace shoal::log
