#pragma once
// What `check` says of a rule and its table, as the catalog has it: whatever would silently miss a change is refused.

#include <cstdint>
#include <string>
#include <vector>

#include "services/relay/rules/rules.hpp"

namespace shoal::relay {

struct column_facts {
    std::string name;
    /// As format_type() writes it: "bigint", "numeric(10,2)".
    std::string type;
    /// In the index of the replica identity; of no meaning where that is the whole row or nothing.
    bool identity = false;
    /// In the publication's list of columns, or there is none.
    bool published = true;
    /// pg_attribute.attgenerated: PostgreSQL publishes no such column.
    bool generated = false;
};

struct partition_facts {
    table_name name;
    /// pg_class.relreplident, relpersistence, relkind.
    char identity = 'd';
    char persistence = 'p';
    char kind = 'r';
    /// The index of its identity has other columns than the table's.
    bool other_columns = false;
};

/// A table that inherits from another one without being its partition.
struct child_facts {
    table_name name;
    bool has_rule = false;
};

struct publication_facts {
    std::string name;
    /// It has the table: by name, by schema, or as one of all tables, or through a parent.
    bool has_table = true;
    bool inserts = true;
    bool updates = true;
    bool deletes = true;
    bool truncates = true;
    /// A WHERE for this table.
    bool row_filter = false;
    /// publish_via_partition_root.
    bool via_root = false;
};

struct table_facts {
    table_name name;
    bool exists = true;
    /// pg_class.relpersistence, relkind, relreplident.
    char persistence = 'p';
    char kind = 'r';
    char identity = 'd';
    std::vector<column_facts> columns{};
    publication_facts publication{};
    /// The topmost parent under whose name changes of this partition come, or would for the parent's own rule; empty
    /// for any other table.
    table_name published_as{};
    /// Every partition below that has rows, at any depth.
    std::vector<partition_facts> partitions{};
    /// Of a table that is not partitioned: all that inherit from it, at any depth.
    std::vector<child_facts> children{};
    /// Some publication lists columns of it: then PostgreSQL refuses UPDATE and DELETE once the identity is the whole
    /// row.
    bool column_list = false;
};

enum class severity : std::uint8_t { refuse, warn };

struct finding {
    severity how = severity::refuse;
    /// What is wrong and what to do.
    std::string text;
    /// Statements that would help, each with its semicolon, on a line of its own; may be empty.
    std::string sql{};
    /// `setup` runs them: nothing is lost by it, and no table is written anew.
    bool by_setup = false;

    friend bool operator==(const finding&, const finding&) = default;
};

[[nodiscard]] std::vector<finding> review(const rule& of, const table_facts& table);

}  // namespace shoal::relay
