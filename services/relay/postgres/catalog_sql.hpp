#pragma once
// The catalog's queries as text; each is right for the server's version, and only for that.

#include <string>
#include <string_view>

#include "services/relay/rules/rules.hpp"

namespace shoal::relay {

/// server_version_num from which publications have schemas, lists of columns and row filters.
inline constexpr int selective_version = 150000;

/// Of at most one row: version, then of the publication whether it is there, has all tables, publishes inserts,
/// updates, deletes, truncates, and goes via the root.
[[nodiscard]] std::string publication_sql(std::string_view publication);

/// Of each rule whose table exists: the rule's place, oid, relpersistence, relkind, relreplident, whether the
/// publication has it, the schema and name of the topmost parent whose name its changes get or nothing (one that is
/// published so, or has a rule and would be), whether a row filter is in force, whether any publication lists columns
/// of it.
[[nodiscard]] std::string tables_sql(int version, std::string_view publication, const rules& of);

/// Of each column: its table's oid, name, type, whether it is in the identity's index, published, generated.
/// `oids` is a list with commas, here and below; it is not empty.
[[nodiscard]] std::string columns_sql(int version, std::string_view publication, std::string_view oids);

/// Of each partition that has rows: its root's oid, schema, name, relreplident, relpersistence, relkind, whether its
/// identity's index has other columns than the root's.
[[nodiscard]] std::string partitions_sql(std::string_view oids);

/// Of each table below one that is not partitioned, at any depth: the latter's oid, schema, name.
[[nodiscard]] std::string children_sql(std::string_view oids);

}  // namespace shoal::relay
