#include "tests/load/domain/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>

#include "common/config/duration.hpp"
#include "common/core/ascii.hpp"
#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {
namespace {

constexpr std::uint32_t most_share = 100;
constexpr std::size_t most_body = 1'000'000;

template <class T>
bool parse_number(std::string_view text, T& into)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view text, char by)
{
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(by);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

arrival_rate parse_rate(std::string_view text, std::string_view whole)
{
    double value = 0;
    const bool read = parse_number(text, value);
    const double milli = std::round(value * 1000);
    if (!read || !(milli >= 1) || milli > static_cast<double>(limits::most_rate.milli))
        throw bad_input{
            fmt::format("--rate '{}': a rate must be a number of requests per second from 0.001 to {}; "
                        "several are separated by commas",
                        whole, limits::most_rate.milli / 1000)};
    return {static_cast<std::uint64_t>(milli)};
}

status_range parse_status(std::string_view text, std::string_view whole)
{
    const auto dash = text.find('-');
    status_range range;
    const bool read = parse_number(text.substr(0, dash), range.first) &&
                      parse_number(dash == std::string_view::npos ? text : text.substr(dash + 1), range.last);
    if (!read || range.first < 100 || range.last > 999 || range.first > range.last)
        throw bad_input{
            fmt::format("--expect-status '{}' must be statuses or ranges of them, as 200,429 or 200-299", whole)};
    return range;
}

}  // namespace

std::chrono::nanoseconds parse_time(std::string_view option, std::string_view text, std::chrono::nanoseconds most)
{
    const auto read = config::parse_duration(text);
    if (!read || read->count() == 0 || *read > most)
        throw bad_input{
            fmt::format("{} '{}' must be a time above 0 and at most {}, as 500ms, 10s or 5m", option, text,
                        config::format_duration(std::chrono::duration_cast<std::chrono::microseconds>(most)))};
    return *read;
}

std::vector<arrival_rate> parse_rates(std::string_view text)
{
    std::vector<arrival_rate> rates;
    for (const auto part : split(text, ',')) rates.push_back(parse_rate(part, text));
    if (rates.size() > limits::most_steps)
        throw bad_input{fmt::format("--rate has {} rates; at most {} are taken", rates.size(), limits::most_steps)};
    return rates;
}

std::vector<status_range> parse_statuses(std::string_view text)
{
    std::vector<status_range> ranges;
    for (const auto part : split(text, ',')) ranges.push_back(parse_status(part, text));
    return ranges;
}

std::vector<method_share> parse_methods(std::string_view text)
{
    std::vector<method_share> methods;
    for (const auto part : split(text, ',')) {
        const auto equals = part.find('=');
        method_share one{std::string{part.substr(0, equals)}, 1};
        const bool read = equals == std::string_view::npos || parse_number(part.substr(equals + 1), one.share);
        const bool named = !one.name.empty() && one.name.size() <= 20 && std::ranges::all_of(one.name, is_token);
        if (!read || !named || one.share < 1 || one.share > most_share || one.name == "CONNECT")
            throw bad_input{
                fmt::format("--method '{}' must be a method, or several with their shares (1 to {}), as "
                            "GET=3,POST=1",
                            text, most_share)};
        methods.push_back(std::move(one));
    }
    if (methods.size() > 10) throw bad_input{"--method: at most 10 methods are taken"};
    return methods;
}

admission_bound parse_admissions(std::string_view text)
{
    const auto slash = std::min(text.find('/'), text.size());
    const auto plus = std::min(text.find('+'), text.size());
    admission_bound bound;
    const auto period = slash < plus ? config::parse_duration(text.substr(slash + 1, plus - slash - 1)) : std::nullopt;
    bool read = period && period->count() > 0 && parse_number(text.substr(0, slash), bound.limit) && bound.limit > 0;
    bound.burst = bound.limit;
    if (plus < text.size()) read = read && parse_number(text.substr(plus + 1), bound.burst) && bound.burst >= 1;
    if (!read || !std::isfinite(bound.limit) || !std::isfinite(bound.burst))
        throw bad_input{fmt::format(
            "--check-admissions '{}' must be LIMIT/PERIOD or LIMIT/PERIOD+BURST, as 10/60s or 100/1s+20", text)};
    bound.period = *period;
    return bound;
}

watched_process parse_process(std::string_view text)
{
    const auto equals = text.rfind('=');
    watched_process process;
    process.name = text.substr(0, equals);
    const auto digits = equals == std::string_view::npos ? text : text.substr(equals + 1);
    if (!parse_number(digits, process.pid) || process.pid <= 0 || process.name.empty())
        throw bad_input{fmt::format("--pid '{}' must be the number of a process, or NAME=NUMBER", text)};
    return process;
}

std::string parse_field(std::string_view text)
{
    const auto colon = text.find(':');
    const auto field = text.substr(0, colon);
    if (colon == std::string_view::npos || field.empty() || !std::ranges::all_of(field, is_token) ||
        std::ranges::any_of(text, is_control))
        throw bad_input{fmt::format("--header '{}' must be 'Name: value' without control characters", text)};
    for (const auto* const own : {"Host", "Connection", "Content-Length", "Transfer-Encoding"})
        if (iequals(field, own))
            throw bad_input{fmt::format("--header '{}': {} is set by the generator itself{}", text, own,
                                        iequals(own, "Host") ? "; --host says another one" : "")};
    return std::string{text};
}

std::string read_body(std::string_view text)
{
    if (!text.starts_with('@')) return std::string{text};
    const std::string path{text.substr(1)};
    std::ifstream file{path, std::ios::binary};
    std::string body{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad()) throw bad_input{fmt::format("--body '{}': the file can't be read", text)};
    if (body.size() > most_body)
        throw bad_input{fmt::format("--body '{}': {} bytes are more than {}", text, body.size(), most_body)};
    return body;
}

}  // namespace shoal::load
