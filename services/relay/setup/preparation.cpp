#include "services/relay/setup/preparation.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/relay/setup/report.hpp"

namespace shoal::relay {
namespace {

void add_once(std::vector<std::string>& to, std::string text)
{
    if (std::ranges::find(to, text) == to.end()) to.push_back(std::move(text));
}

/// Of the tables that PostgreSQL can replicate; what is wrong with others is for the operator.
std::string creation_sql(const settings& chosen, const catalog& schema)
{
    std::vector<std::string> names;
    bool via_root = false;
    for (const auto& one : schema.tables) {
        const bool fits = one.exists && one.persistence == 'p' && (one.kind == 'r' || one.kind == 'p');
        if (fits) add_once(names, in_quotes(one.name));
        via_root = via_root || one.kind == 'p';
    }
    return fmt::format(
        "CREATE PUBLICATION {}{}{} WITH (publish = 'insert, update, delete, truncate', "
        "publish_via_partition_root = {});",
        in_quotes(chosen.publication), names.empty() ? "" : " FOR TABLE ", fmt::join(names, ", "), via_root);
}

}  // namespace

preparation prepare(const settings& chosen, const survey& of)
{
    preparation made;
    if (!of.schema.has_publication) made.schema.push_back(creation_sql(chosen, of.schema));
    for (const auto& one : review_all(chosen.all, of.schema.tables))
        if (one.what.how == severity::refuse && one.what.by_setup) add_once(made.schema, one.what.sql);
    const auto name = relay::quoted(chosen.slot);
    if (of.slot.exists && !of.schema.has_publication)
        made.slot.push_back(fmt::format("SELECT pg_catalog.pg_drop_replication_slot({});", name));
    if (!of.slot.exists || !of.schema.has_publication)
        made.slot.push_back(fmt::format("SELECT pg_catalog.pg_create_logical_replication_slot({}, 'pgoutput');", name));
    return made;
}

std::string to_sql(const preparation& from)
{
    if (from.empty()) return "-- Publication, replica identities and slot are there: nothing to do.\n";
    std::string made;
    if (!from.schema.empty()) made = fmt::format("BEGIN;\n{}\nCOMMIT;\n", fmt::join(from.schema, "\n"));
    for (const auto& one : from.slot) made += one + '\n';
    return made;
}

}  // namespace shoal::relay
