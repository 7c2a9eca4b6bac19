#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/core/ascii.hpp"
#include "services/relay/rules/review_parts.hpp"

namespace shoal::relay {
namespace {

/// The whole name of a column that differs only in its case, for who forgot the double quotes.
std::string hint(const table_facts& table, std::string_view name)
{
    for (const auto& one : table.columns)
        if (iequals(one.name, name))
            return fmt::format("; did you mean {}, with its double quotes?", in_quotes(one.name));
    std::vector<std::string> names;
    for (const auto& one : table.columns) names.push_back(shown(one.name));
    return fmt::format("; it has {}", fmt::join(names, ", "));
}

/// The table is taken out and put back whole; in one transaction, so that no change falls between.
std::string whole_table_sql(const table_facts& table)
{
    const auto publication = in_quotes(table.publication.name);
    const auto name = in_quotes(table.name);
    return fmt::format("BEGIN;\nALTER PUBLICATION {0} DROP TABLE {1};\nALTER PUBLICATION {0} ADD TABLE {1};\nCOMMIT;",
                       publication, name);
}

void review_column(findings& to, const table_facts& table, const std::string& name)
{
    const column_facts* const column = find_column(table, name);
    if (column == nullptr)
        to.push_back({severity::refuse,
                      fmt::format("{} has no column {}{}", shown(table.name), shown(name), hint(table, name))});
    else if (column->generated)
        to.push_back({severity::refuse,
                      fmt::format("{} of {} is a generated column, which PostgreSQL does not publish; use the columns "
                                  "that it is made of",
                                  shown(name), shown(table.name))});
    else if (!column->published && table.publication.has_table)
        to.push_back({severity::refuse,
                      fmt::format("the publication {} has a list of columns for {} without {}; publish the whole table "
                                  "(a row filter has to be given again)",
                                  shown(table.publication.name), shown(table.name), shown(name)),
                      whole_table_sql(table)});
}

}  // namespace

void review_columns(findings& to, const rule& of, const table_facts& table)
{
    auto names = template_columns(of);
    if (of.when && std::ranges::find(names, of.when->column) == names.end()) names.push_back(of.when->column);
    for (const auto& name : names) review_column(to, table, name);
}

}  // namespace shoal::relay
