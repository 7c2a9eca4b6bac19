#include "services/relay/protocol/relations.hpp"

#include <utility>

namespace shoal::relay {
namespace {

bool fits(const relation& table, const row& values)
{
    return values.size() == table.columns.size();
}

}  // namespace

result<void> relations::remember(relation newest)
{
    if (known_.size() >= most && !known_.contains(newest.id)) return errc::too_many_relations;
    known_.insert_or_assign(newest.id, std::move(newest));
    return {};
}

const relation* relations::find(std::uint32_t id) const noexcept
{
    const auto found = known_.find(id);
    return found == known_.end() ? nullptr : &found->second;
}

result<const relation*> relations::table_of(const insert& change) const
{
    const auto* const table = find(change.relation);
    if (table == nullptr || !fits(*table, change.now)) return errc::database_malformed;
    return table;
}

result<const relation*> relations::table_of(const update& change) const
{
    const auto* const table = find(change.relation);
    if (table == nullptr || !fits(*table, change.now)) return errc::database_malformed;
    if (change.kind != old_row::none && !fits(*table, change.before)) return errc::database_malformed;
    return table;
}

result<const relation*> relations::table_of(const remove& change) const
{
    const auto* const table = find(change.relation);
    if (table == nullptr || !fits(*table, change.before)) return errc::database_malformed;
    return table;
}

}  // namespace shoal::relay
