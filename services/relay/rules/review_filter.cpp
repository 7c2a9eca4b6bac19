#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/core/ascii.hpp"
#include "services/relay/rules/review_parts.hpp"

namespace shoal::relay {
namespace {

bool is_whole_number(std::string_view text) noexcept
{
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    if (text == "0") return !negative;
    return !text.empty() && text.front() != '0' && std::ranges::all_of(text, is_digit);
}

bool is_any_of(std::string_view type, std::initializer_list<std::string_view> types)
{
    return std::ranges::find(types, type) != types.end();
}

/// What the values of a type look like where that can be said, and whether the text is one.
const char* refuse_text(std::string_view type, std::string_view text)
{
    if (type == "boolean" && text != "t" && text != "f") return "a boolean is t or f (or true and false of JSON)";
    if (is_any_of(type, {"smallint", "integer", "bigint", "oid"}) && !is_whole_number(text))
        return "it is a whole number, without sign or zeros before it";
    return nullptr;
}

/// Types with more than one text for what SQL takes as equal.
bool is_printed_in_ways(std::string_view type) noexcept
{
    return type.starts_with("numeric") || type.starts_with("character(") || type.starts_with("time") ||
           is_any_of(type, {"real", "double precision", "date", "interval", "bytea", "money", "json", "jsonb", "xml"});
}

}  // namespace

void review_filter(findings& to, const rule& of, const table_facts& table)
{
    if (!of.when) return;
    const column_facts* const column = find_column(table, of.when->column);
    if (column == nullptr || of.when->texts.empty()) return;
    for (const auto& text : of.when->texts)
        if (const char* const what = refuse_text(column->type, text)) {
            to.push_back({severity::refuse, fmt::format("\"when\" compares {} ({}) with '{}', which it never is: {}",
                                                        shown(column->name), column->type, text, what)});
            return;
        }
    if (is_printed_in_ways(column->type))
        to.push_back({severity::warn,
                      fmt::format("\"when\" compares the text that PostgreSQL prints for {} ({}); write exactly that, "
                                  "with its zeros and blanks",
                                  shown(column->name), column->type)});
}

}  // namespace shoal::relay
