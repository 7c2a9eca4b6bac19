#include "services/relay/rules/review.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "services/relay/rules/review_parts.hpp"

namespace shoal::relay {
namespace {

const char* kind_name(char kind) noexcept
{
    switch (kind) {
    case 'v': return "a view";
    case 'm': return "a materialized view";
    case 'f': return "a foreign table";
    case 'S': return "a sequence";
    case 'i':
    case 'I': return "an index";
    default: return "no table";
    }
}

/// Nothing else needs to be said of what is no table that PostgreSQL replicates.
bool is_replicable(findings& to, const table_facts& table)
{
    const auto name = shown(table.name);
    if (!table.exists)
        to.push_back({severity::refuse, fmt::format("there is no table {}; names without double quotes are folded to "
                                                    "lower case, and without a schema they are of \"public\"",
                                                    name)});
    else if (table.name.schema == "pg_catalog" || table.name.schema == "information_schema")
        to.push_back({severity::refuse, fmt::format("{} is PostgreSQL's own, of which it replicates no change", name)});
    else if (table.kind != 'r' && table.kind != 'p')
        to.push_back({severity::refuse, fmt::format("{} is {}, of which PostgreSQL replicates no change; name the "
                                                    "tables that its rows are made of",
                                                    name, kind_name(table.kind))});
    else if (table.persistence == 't')
        to.push_back({severity::refuse, fmt::format("{} is a temporary table, which is never replicated", name)});
    else if (table.persistence != 'p')
        to.push_back({severity::refuse,
                      fmt::format("{} is unlogged: its changes are in no log, so none of them is replicated", name),
                      fmt::format("ALTER TABLE {} SET LOGGED;", in_quotes(table.name))});
    return to.empty();
}

/// They may differ from their table, and PostgreSQL says nothing.
void review_partition_kinds(findings& to, const table_facts& table)
{
    for (const auto& one : table.partitions) {
        if (one.kind != 'r')
            to.push_back(
                {severity::refuse, fmt::format("{}, a partition of {}, is {}, of which PostgreSQL replicates no change",
                                               shown(one.name), shown(table.name), kind_name(one.kind))});
        else if (one.persistence != 'p')
            to.push_back({severity::refuse,
                          fmt::format("{}, a partition of {}, is unlogged: its changes are in no log, so none of them "
                                      "is replicated",
                                      shown(one.name), shown(table.name)),
                          fmt::format("ALTER TABLE {} SET LOGGED;", in_quotes(one.name))});
    }
}

void review_children(findings& to, const table_facts& table)
{
    for (const auto& one : table.children)
        if (!one.has_rule)
            to.push_back({severity::refuse,
                          fmt::format("rows of {0}, which inherits from {1}, are seen through {1}, but their changes "
                                      "come under its own name; write a rule for {0}, too",
                                      shown(one.name), shown(table.name))});
}

}  // namespace

std::vector<finding> review(const rule& of, const table_facts& table)
{
    findings made;
    if (!is_replicable(made, table)) return made;
    review_partition_kinds(made, table);
    review_children(made, table);
    review_publication(made, of, table);
    review_columns(made, of, table);
    review_identity(made, of, table);
    review_filter(made, of, table);
    return made;
}

std::vector<std::string> template_columns(const rule& of)
{
    std::vector<std::string> names;
    for (const auto& tag : of.tags)
        for (const auto& name : tag.columns())
            if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    return names;
}

const column_facts* find_column(const table_facts& table, std::string_view name) noexcept
{
    const auto found = std::ranges::find(table.columns, name, &column_facts::name);
    return found == table.columns.end() ? nullptr : &*found;
}

std::string full_identity_sql(const table_facts& table)
{
    auto made = fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", in_quotes(table.name));
    for (const auto& one : table.partitions)
        if (one.identity != 'f' && one.kind == 'r')
            made += fmt::format("\nALTER TABLE {} REPLICA IDENTITY FULL;", in_quotes(one.name));
    return made;
}

}  // namespace shoal::relay
