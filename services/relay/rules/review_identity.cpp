#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/relay/rules/review_parts.hpp"

namespace shoal::relay {
namespace {

bool has_identity(const table_facts& table)
{
    if (table.identity == 'f') return true;
    return table.identity != 'n' && std::ranges::any_of(table.columns, &column_facts::identity);
}

/// Of those that are published: one that is missing or generated is another finding.
bool is_sent_of_old_rows(const table_facts& table, const std::string& name)
{
    const column_facts* const column = find_column(table, name);
    return column == nullptr || column->generated || table.identity == 'f' || column->identity;
}

/// The whole row as identity would help, where nothing forbids it.
finding widened(severity how, std::string text, const table_facts& table)
{
    if (table.identity != 'f' && table.column_list)
        return {how, std::move(text) + "; the whole row can't be it while a publication lists columns of the table"};
    return {how, std::move(text), full_identity_sql(table), how == severity::refuse};
}

void review_no_identity(findings& to, const rule& of, const table_facts& table)
{
    const auto& by = table.publication;
    const bool needed = of.on.update || of.on.remove;
    if (!needed && !by.updates && !by.deletes) return;
    to.push_back(
        widened(needed ? severity::refuse : severity::warn,
                fmt::format("{} has no replica identity: PostgreSQL refuses every UPDATE and DELETE of it that is "
                            "published; give it a primary key, or the whole row as its identity",
                            shown(table.name)),
                table));
}

void review_old_values(findings& to, const rule& of, const table_facts& table)
{
    std::vector<std::string> unsent;
    for (const auto& name : template_columns(of))
        if (!is_sent_of_old_rows(table, name)) unsent.push_back(shown(name));
    if (unsent.empty()) return;
    const auto names = fmt::format("{}", fmt::join(unsent, ", "));
    if (!of.ignores_old_values)
        to.push_back(
            widened(severity::refuse,
                    fmt::format("the old values of {} are not sent, as the replica identity of {} does not have "
                                "them: the tags of the row before can't be known; widen the identity, or write "
                                "\"old_values\": \"ignore\" if these columns never change",
                                names, shown(table.name)),
                    table));
    else if (of.on.remove)
        to.push_back(
            widened(severity::warn,
                    fmt::format("a DELETE does not carry {}, so that each one purges \"{}\" instead of its own tags",
                                names, of.table_tag),
                    table));
}

void review_old_filter(findings& to, const rule& of, const table_facts& table)
{
    if (!of.when || is_sent_of_old_rows(table, of.when->column)) return;
    to.push_back(
        widened(severity::warn,
                fmt::format("the old value of {} is not sent: each row before an UPDATE or DELETE counts as inside "
                            "of \"when\", which purges more than it needs to",
                            shown(of.when->column)),
                table));
}

/// An old row is sent as its partition's identity has it, but read as the root's: other columns would look like NULL.
void review_partitions(findings& to, const table_facts& table)
{
    std::vector<std::string> differing;
    for (const auto& one : table.partitions)
        if (one.identity != table.identity || one.other_columns) differing.push_back(shown(one.name));
    if (!differing.empty())
        to.push_back(
            widened(severity::refuse,
                    fmt::format("{} of {} {} another replica identity than the table itself, so that old values are "
                                "misread; make them the same",
                                fmt::join(differing, ", "), shown(table.name), differing.size() == 1 ? "has" : "have"),
                    table));
    else if (table.kind == 'p' && table.identity != 'd')
        to.push_back({severity::warn, fmt::format("a partition that {} gets later does not inherit its replica "
                                                  "identity; set it on each new one",
                                                  shown(table.name))});
}

}  // namespace

void review_identity(findings& to, const rule& of, const table_facts& table)
{
    if (!has_identity(table)) {
        review_no_identity(to, of, table);
        return;
    }
    if (!of.on.update && !of.on.remove) return;
    review_partitions(to, table);
    review_old_values(to, of, table);
    review_old_filter(to, of, table);
}

}  // namespace shoal::relay
