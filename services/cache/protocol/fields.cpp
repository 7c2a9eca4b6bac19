#include "services/cache/protocol/fields.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"

namespace shoal::cache::protocol {
namespace {

constexpr std::int64_t most_delta_seconds = std::int64_t{1} << 31U;

/// Takes a line off a head, without its CR LF.
std::string_view next_line(std::string_view& rest) noexcept
{
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    return line;
}

std::optional<field_view> read_line(std::string_view line) noexcept
{
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    return field_view{line.substr(0, colon), trim(line.substr(colon + 1))};
}

}  // namespace

std::string_view trim(std::string_view text) noexcept
{
    constexpr std::string_view blanks = " \t";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string lower(std::string_view text)
{
    std::string made{text};
    std::ranges::transform(made, made.begin(), to_lower);
    return made;
}

std::optional<std::string_view> find(field_span fields, std::string_view name) noexcept
{
    const auto* const found =
        std::ranges::find_if(fields, [name](const field_view& field) { return iequals(field.name, name); }).base();
    if (found == fields.data() + fields.size()) return std::nullopt;
    return trim(found->value);
}

bool has(field_span fields, std::string_view name) noexcept
{
    return std::ranges::any_of(fields, [name](const field_view& field) { return iequals(field.name, name); });
}

std::size_t list_reader::end_of_member() noexcept
{
    if (quotes_count_) {
        bool quoted = false;
        for (std::size_t at = 0; at < rest_.size(); ++at) {
            const char c = rest_[at];
            if (quoted && c == '\\') {
                ++at;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                return at;
            }
        }
        quotes_count_ = !quoted;
    }
    return quotes_count_ ? rest_.size() : std::min(rest_.find(','), rest_.size());
}

std::optional<std::string_view> list_reader::next() noexcept
{
    while (!rest_.empty()) {
        const std::size_t end = end_of_member();
        const std::string_view member = trim(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (!member.empty()) return member;
    }
    return std::nullopt;
}

std::optional<std::string_view> list_members::next() noexcept
{
    while (true) {
        if (auto member = line_.next()) return member;
        while (!fields_.empty() && !iequals(fields_.front().name, name_)) fields_ = fields_.subspan(1);
        if (fields_.empty()) return std::nullopt;
        line_ = list_reader{fields_.front().value};
        fields_ = fields_.subspan(1);
    }
}

bool has_member(field_span fields, std::string_view name, std::string_view member) noexcept
{
    list_members members{fields, name};
    while (const auto next = members.next()) {
        if (iequals(*next, member)) return true;
    }
    return false;
}

std::optional<std::int64_t> delta_seconds(std::string_view text) noexcept
{
    if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
    std::int64_t seconds = 0;
    for (const char c : text) seconds = std::min(seconds * 10 + (c - '0'), most_delta_seconds);
    return seconds;
}

std::string_view find_in_head(std::string_view head, std::string_view name) noexcept
{
    while (!head.empty()) {
        const auto field = read_line(next_line(head));
        if (field && iequals(field->name, name)) return field->value;
    }
    return {};
}

std::vector<field_view> lines_of(std::string_view head)
{
    std::vector<field_view> fields;
    next_line(head);
    while (!head.empty()) {
        const std::string_view line = next_line(head);
        if (line.empty()) break;
        if (const auto field = read_line(line)) fields.push_back(*field);
    }
    return fields;
}

}  // namespace shoal::cache::protocol
