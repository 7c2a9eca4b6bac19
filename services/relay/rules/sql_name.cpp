#include "services/relay/rules/sql_name.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "common/core/ascii.hpp"

namespace shoal::relay {
namespace {

bool begins_name(char c) noexcept
{
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool continues_name(char c) noexcept
{
    return begins_name(c) || is_digit(c) || c == '$';
}

parsed<std::string> take_plain(std::string_view& from)
{
    if (from.empty()) return mistaken("a name is missing");
    if (!begins_name(from.front()))
        return mistaken(
            R"(a name begins with a letter or '_'; any other is written in double quotes, like "2nd name")");
    const auto* const end = std::ranges::find_if_not(from, continues_name);
    std::string name{from.begin(), end};
    from.remove_prefix(name.size());
    std::ranges::transform(name, name.begin(), to_lower);
    return name;
}

/// After the opening quote; two quotes stand for one.
parsed<std::string> take_quoted(std::string_view& from)
{
    std::string name;
    while (true) {
        const std::size_t quote = from.find('"');
        if (quote == std::string_view::npos) return mistaken("a double quote is never closed");
        name.append(from.substr(0, quote));
        from.remove_prefix(quote + 1);
        if (!from.starts_with('"')) return name;
        name.push_back('"');
        from.remove_prefix(1);
    }
}

bool is_read_as_it_is(std::string_view name) noexcept
{
    return !name.empty() && begins_name(name.front()) &&
           std::ranges::all_of(name, [](char c) { return continues_name(c) && to_lower(c) == c; });
}

}  // namespace

mistake mistaken(std::string what)
{
    mistake made;
    made.what = std::move(what);
    return made;
}

void throw_exception_from_error(const mistake& of, const boost::source_location&)
{
    throw std::logic_error{of.what};
}

parsed<std::string> take_name(std::string_view& from)
{
    const bool begins_quoted = from.starts_with('"');
    if (begins_quoted) from.remove_prefix(1);
    auto name = begins_quoted ? take_quoted(from) : take_plain(from);
    if (name.has_error()) return name;
    if (name->empty()) return mistaken("a name is empty");
    if (name->size() > longest_name)
        return mistaken(
            fmt::format("a name of {} bytes is none of PostgreSQL's; it has at most {}", name->size(), longest_name));
    if (name->find('\0') != std::string::npos) return mistaken("a name can't have a zero byte");
    return name;
}

parsed<std::string> parse_name(std::string_view text)
{
    auto name = take_name(text);
    if (name.has_error() || text.empty()) return name;
    return mistaken(
        fmt::format("'{}' stands after the name; other characters than letters, digits, '_' and '$' need "
                    "double quotes around the name",
                    text));
}

parsed<table_name> parse_table_name(std::string_view text)
{
    auto first = take_name(text);
    if (first.has_error()) return first.error();
    if (text.empty()) return table_name{"public", std::move(*first)};
    if (!text.starts_with('.'))
        return mistaken(
            fmt::format("'{}' stands after a name; a table is schema.table, with double quotes around what "
                        "is more than letters, digits, '_' and '$'",
                        text));
    text.remove_prefix(1);
    auto second = parse_name(text);
    if (second.has_error()) return second.error();
    return table_name{std::move(*first), std::move(*second)};
}

std::string in_quotes(std::string_view name)
{
    std::string made{'"'};
    for (const char c : name) made.append(c == '"' ? 2 : 1, c);
    return made.append(1, '"');
}

std::string in_quotes(const table_name& name)
{
    return in_quotes(name.schema) + '.' + in_quotes(name.table);
}

std::string shown(std::string_view name)
{
    return is_read_as_it_is(name) ? std::string{name} : in_quotes(name);
}

std::string shown(const table_name& name)
{
    return shown(name.schema) + '.' + shown(name.table);
}

}  // namespace shoal::relay
