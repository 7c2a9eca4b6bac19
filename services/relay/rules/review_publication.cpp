#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/relay/rules/review_parts.hpp"

namespace shoal::relay {
namespace {

void review_partitions(findings& to, const rule& of, const table_facts& table)
{
    const auto& by = table.publication;
    if (!table.published_as.table.empty() && table.published_as != table.name)
        to.push_back({severity::refuse,
                      fmt::format("{} is a partition whose changes come under the name of {}; write the rule for that",
                                  shown(table.name), shown(table.published_as))});
    if (table.kind != 'p') return;
    if (!by.via_root)
        to.push_back({severity::refuse,
                      fmt::format("{} is partitioned, and the publication {} publishes its changes under the names of "
                                  "its partitions; let it publish them under the table's",
                                  shown(table.name), shown(by.name)),
                      fmt::format("ALTER PUBLICATION {} SET (publish_via_partition_root = true);", in_quotes(by.name)),
                      true});
    else if (of.on.truncate)
        to.push_back(
            {severity::warn, fmt::format("TRUNCATE of a single partition of {}, and detaching or dropping one, is not "
                                         "replicated; purge \"{}\" after it",
                                         shown(table.name), of.table_tag)});
}

void review_operations(findings& to, const rule& of, const table_facts& table)
{
    const auto& by = table.publication;
    std::vector<std::string> missing;
    if (of.on.insert && !by.inserts) missing.emplace_back("insert");
    if (of.on.update && !by.updates) missing.emplace_back("update");
    if (of.on.remove && !by.deletes) missing.emplace_back("delete");
    if (of.on.truncate && !by.truncates) missing.emplace_back("truncate");
    if (missing.empty()) return;
    to.push_back(
        {severity::refuse,
         fmt::format("the publication {} does not publish {}; let it, or leave that out of the rule's \"on\"",
                     shown(by.name), fmt::join(missing, ", ")),
         fmt::format("ALTER PUBLICATION {} SET (publish = 'insert, update, delete, truncate');", in_quotes(by.name)),
         true});
}

}  // namespace

void review_publication(findings& to, const rule& of, const table_facts& table)
{
    const auto& by = table.publication;
    if (!by.has_table)
        to.push_back(
            {severity::refuse, fmt::format("{} is not in the publication {}", shown(table.name), shown(by.name)),
             fmt::format("ALTER PUBLICATION {} ADD TABLE {};", in_quotes(by.name), in_quotes(table.name)), true});
    review_partitions(to, of, table);
    review_operations(to, of, table);
    if (by.row_filter)
        to.push_back({severity::warn,
                      fmt::format("the publication {} has a row filter for {}: changes of rows that it hides purge "
                                  "nothing",
                                  shown(by.name), shown(table.name))});
}

}  // namespace shoal::relay
