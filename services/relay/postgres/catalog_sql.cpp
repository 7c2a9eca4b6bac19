#include "services/relay/postgres/catalog_sql.hpp"

#include <fmt/format.h>

#include "services/relay/postgres/database.hpp"

namespace shoal::relay {
namespace {

/// WITH entries: `publication` and `member`, the oids of what it has by name, by schema or as one of all tables.
std::string members_sql(int version, std::string_view publication)
{
    auto made = fmt::format(
        "publication AS (SELECT oid, puballtables, pubviaroot FROM pg_publication WHERE pubname = {}), "
        "unfiltered AS (SELECT c.oid FROM pg_class c, publication p "
        "WHERE p.puballtables AND c.relkind IN ('r', 'p') AND pg_relation_is_publishable(c.oid)",
        relay::quoted(publication));
    if (version >= selective_version)
        made +=
            " UNION SELECT c.oid FROM pg_class c JOIN pg_publication_namespace s ON s.pnnspid = c.relnamespace "
            "JOIN publication p ON p.oid = s.pnpubid WHERE c.relkind IN ('r', 'p') AND "
            "pg_relation_is_publishable(c.oid)";
    made +=
        "), member AS (SELECT oid FROM unfiltered UNION "
        "SELECT r.prrelid FROM pg_publication_rel r JOIN publication p ON p.oid = r.prpubid)";
    return made;
}

std::string values_sql(const rules& of)
{
    std::string made;
    for (std::size_t place = 0; place < of.size(); ++place)
        made += fmt::format("{}({}, {}, {})", place == 0 ? "" : ", ", place, relay::quoted(of[place].table.schema),
                            relay::quoted(of[place].table.table));
    return made;
}

/// The sorted attribute names of the identity's index of a table: no more than what has to be valid and immediate
/// to be one, and without the columns that it only includes.
constexpr const char* identity_index =
    "FROM pg_index i WHERE i.indrelid = {0}.oid AND i.indisvalid AND i.indimmediate AND "
    "({0}.relreplident = 'd' AND i.indisprimary OR {0}.relreplident = 'i' AND i.indisreplident)";

std::string identity_names(std::string_view alias)
{
    return fmt::format(
        "(SELECT array_agg(a.attname ORDER BY a.attname) FROM pg_attribute a, (SELECT i.indrelid, "
        "(i.indkey::int2[])[0:i.indnkeyatts - 1] AS keys {}) k WHERE a.attrelid = k.indrelid AND a.attnum = ANY "
        "(k.keys))",
        fmt::format(fmt::runtime(identity_index), alias));
}

/// WITH entry: `below`, all that inherit from a table of that kind.
std::string below_sql(std::string_view oids, char kind)
{
    return fmt::format(
        "WITH RECURSIVE below (root, oid) AS (SELECT inhparent, inhrelid FROM pg_inherits JOIN pg_class c "
        "ON c.oid = inhparent WHERE c.relkind = '{}' AND inhparent IN ({}) "
        "UNION SELECT b.root, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid)",
        kind, oids);
}

}  // namespace

std::string publication_sql(std::string_view publication)
{
    return fmt::format(
        "SELECT current_setting('server_version_num'), p.oid IS NOT NULL, p.puballtables, p.pubinsert, p.pubupdate, "
        "p.pubdelete, p.pubtruncate, p.pubviaroot FROM (SELECT) one LEFT JOIN pg_publication p ON p.pubname = {}",
        relay::quoted(publication));
}

std::string tables_sql(int version, std::string_view publication, const rules& of)
{
    const bool selective = version >= selective_version;
    const char* const filter = selective ? "EXISTS (SELECT FROM pg_publication_rel r, publication p "
                                           "WHERE r.prpubid = p.oid AND r.prrelid = c.oid AND r.prqual IS NOT NULL) "
                                           "AND c.oid NOT IN (SELECT oid FROM unfiltered)"
                                         : "false";
    const char* const list =
        selective ? "EXISTS (SELECT FROM pg_publication_rel r WHERE r.prrelid = c.oid AND r.prattrs IS NOT NULL)"
                  : "false";
    // Also of a table that is no partition, of which there are no ancestors, not even itself.
    return fmt::format(
        "WITH wanted (place, schema, name) AS (VALUES {}), {}, "
        "named AS (SELECT w.place, c.* FROM wanted w JOIN pg_namespace n ON n.nspname = w.schema "
        "JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name), "
        "name_giver AS (SELECT oid FROM named UNION SELECT m.oid FROM member m, publication p WHERE p.pubviaroot) "
        "SELECT c.place, c.oid, c.relpersistence, c.relkind, c.relreplident, c.oid IN (SELECT oid FROM member) OR "
        "EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(relid) WHERE a.relid IN (SELECT oid FROM member)), "
        "n.nspname, t.relname, {}, {} FROM named c "
        "LEFT JOIN LATERAL (SELECT a.relid FROM pg_partition_ancestors(c.oid) WITH ORDINALITY a(relid, level) "
        "WHERE a.relid <> c.oid AND a.relid IN (SELECT oid FROM name_giver) ORDER BY a.level DESC LIMIT 1) top ON true "
        "LEFT JOIN pg_class t ON t.oid = top.relid LEFT JOIN pg_namespace n ON n.oid = t.relnamespace "
        "ORDER BY c.place",
        values_sql(of), members_sql(version, publication), filter, list);
}

std::string columns_sql(int version, std::string_view publication, std::string_view oids)
{
    const auto published =
        version >= selective_version
            ? fmt::format(
                  "NOT EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid "
                  "WHERE p.pubname = {} AND r.prrelid = c.oid AND r.prattrs IS NOT NULL AND "
                  "a.attnum <> ALL (r.prattrs::int2[]))",
                  relay::quoted(publication))
            : "true";
    return fmt::format(
        "SELECT c.oid, a.attname, format_type(a.atttypid, a.atttypmod), EXISTS (SELECT {} AND "
        "a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])), {}, a.attgenerated <> '' "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.oid IN ({}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.oid, a.attnum",
        fmt::format(fmt::runtime(identity_index), "c"), published, oids);
}

std::string partitions_sql(std::string_view oids)
{
    return fmt::format(
        "{} SELECT r.oid, n.nspname, c.relname, c.relreplident, c.relpersistence, c.relkind, "
        "c.relreplident = 'i' AND {} IS DISTINCT FROM {} "
        "FROM below JOIN pg_class r ON r.oid = below.root JOIN pg_class c ON c.oid = below.oid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind <> 'p' ORDER BY r.oid, n.nspname, c.relname",
        below_sql(oids, 'p'), identity_names("c"), identity_names("r"));
}

std::string children_sql(std::string_view oids)
{
    return fmt::format(
        "{} SELECT below.root, n.nspname, c.relname FROM below JOIN pg_class c ON c.oid = below.oid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY below.root, n.nspname, c.relname",
        below_sql(oids, 'r'));
}

}  // namespace shoal::relay
