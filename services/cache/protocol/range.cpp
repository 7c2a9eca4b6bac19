#include "services/cache/protocol/range.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "common/core/ascii.hpp"
#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {
namespace {

/// Digits only; nothing for what does not fit.
std::optional<std::uint64_t> number(std::string_view text) noexcept
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Takes off "bytes" and what separates it from what follows.
std::optional<std::string_view> after_unit(std::string_view text, char separator) noexcept
{
    constexpr std::string_view unit = "bytes";
    if (text.size() <= unit.size() || !iequals(text.substr(0, unit.size()), unit)) return std::nullopt;
    if (text[unit.size()] != separator) return std::nullopt;
    return text.substr(unit.size() + 1);
}

std::optional<range_spec> parse_spec(std::string_view text) noexcept
{
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || text.size() == 1) return std::nullopt;
    const std::string_view before = text.substr(0, dash);
    const std::string_view after = text.substr(dash + 1);
    range_spec made{number(before), number(after)};
    if ((!before.empty() && !made.first) || (!after.empty() && !made.last)) return std::nullopt;
    if (made.first && made.last && *made.first > *made.last) return std::nullopt;
    return made;
}

/// Nothing for what lies beyond the end.
std::optional<byte_range> resolve(const range_spec& spec, std::uint64_t length) noexcept
{
    if (length == 0) return std::nullopt;
    if (!spec.first) {
        const std::uint64_t suffix = std::min(*spec.last, length);
        if (suffix == 0) return std::nullopt;
        return byte_range{length - suffix, length - 1};
    }
    if (*spec.first >= length) return std::nullopt;
    return byte_range{*spec.first, std::min(spec.last.value_or(length - 1), length - 1)};
}

bool touch(const byte_range& a, const byte_range& b) noexcept
{
    return (a.first <= b.last || a.first - b.last == 1) && (b.first <= a.last || b.first - a.last == 1);
}

bool overlap(const byte_range& a, const byte_range& b) noexcept
{
    return a.first <= b.last && b.first <= a.last;
}

/// More than two that overlap, or more bytes than there are.
bool is_abusive(const std::vector<byte_range>& ranges, std::uint64_t length) noexcept
{
    std::uint64_t total = 0;
    std::size_t overlaps = 0;
    for (auto one = ranges.begin(); one != ranges.end(); ++one) {
        // Neither exceeds `length`, and a sum above it ends this.
        total += one->length();
        if (total > length && ranges.size() > 2) return true;
        overlaps +=
            std::ranges::any_of(ranges.begin(), one, [one](const byte_range& other) { return overlap(*one, other); });
    }
    return overlaps > 1;
}

/// Joins `part` with every one of `parts` that it touches; the result is where the first of them was.
void join(std::vector<byte_range>& parts, byte_range part)
{
    auto place = std::ranges::find_if(parts, [&](const byte_range& other) { return touch(other, part); });
    if (place == parts.end()) {
        parts.push_back(part);
        return;
    }
    const auto at = place - parts.begin();
    while (place != parts.end()) {
        part = {std::min(part.first, place->first), std::max(part.last, place->last)};
        parts.erase(place);
        place = std::ranges::find_if(parts, [&](const byte_range& other) { return touch(other, part); });
    }
    parts.insert(parts.begin() + std::min<std::ptrdiff_t>(at, std::ssize(parts)), part);
}

}  // namespace

std::optional<std::vector<range_spec>> parse_range(std::string_view text)
{
    const auto set = after_unit(trim(text), '=');
    if (!set) return std::nullopt;
    std::vector<range_spec> specs;
    list_reader members{*set};
    while (const auto member = members.next()) {
        const auto spec = parse_spec(*member);
        if (!spec || specs.size() == most_ranges) return std::nullopt;
        specs.push_back(*spec);
    }
    if (specs.empty()) return std::nullopt;
    return specs;
}

resolved_range resolve_range(std::string_view text, std::uint64_t length)
{
    const auto specs = parse_range(text);
    if (!specs) return {};
    std::vector<byte_range> ranges;
    for (const auto& spec : *specs) {
        if (const auto range = resolve(spec, length)) ranges.push_back(*range);
    }
    if (ranges.empty()) return {range_answer::unsatisfiable, {}};
    if (is_abusive(ranges, length)) return {};
    resolved_range made{range_answer::partial, {}};
    for (const auto& range : ranges) join(made.parts, range);
    return made;
}

std::string content_range(const byte_range& part, std::uint64_t length)
{
    return fmt::format("bytes {}-{}/{}", part.first, part.last, length);
}

std::optional<content_range_value> parse_content_range(std::string_view text) noexcept
{
    const auto rest = after_unit(trim(text), ' ');
    if (!rest) return std::nullopt;
    const std::size_t slash = rest->find('/');
    const std::size_t dash = rest->find('-');
    if (slash == std::string_view::npos || dash > slash) return std::nullopt;
    const auto first = number(rest->substr(0, dash));
    const auto last = number(rest->substr(dash + 1, slash - dash - 1));
    const std::string_view whole = rest->substr(slash + 1);
    const auto length = number(whole);
    if (!first || !last || *first > *last || (whole != "*" && !length)) return std::nullopt;
    if (length && *last >= *length) return std::nullopt;
    // Its length must fit, too.
    if (*last - *first == UINT64_MAX) return std::nullopt;
    return content_range_value{{*first, *last}, length};
}

multipart::multipart(const std::string& boundary, std::string_view content_type, const std::vector<byte_range>& parts,
                     std::uint64_t length)
    : content_type_{"multipart/byteranges; boundary=" + boundary}, tail_{fmt::format("\r\n--{}--\r\n", boundary)}
{
    length_ = tail_.size();
    for (const auto& part : parts) {
        std::string head = fmt::format("\r\n--{}\r\n", boundary);
        if (!content_type.empty()) head += fmt::format("Content-Type: {}\r\n", content_type);
        head += fmt::format("Content-Range: {}\r\n\r\n", content_range(part, length));
        length_ += head.size() + part.length();
        heads_.push_back(std::move(head));
    }
}

}  // namespace shoal::cache::protocol
