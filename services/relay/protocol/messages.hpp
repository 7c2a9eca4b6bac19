#pragma once
// What PostgreSQL's `pgoutput` says of a committed transaction, protocol version 1 (PostgreSQL's documentation, 55.9).
// Views point into the message that was decoded.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "services/relay/protocol/lsn.hpp"

namespace shoal::relay {

struct column {
    std::string name;
    /// OID of its type.
    std::uint32_t type = 0;
    std::int32_t modifier = -1;
    /// Part of the replica identity; each one is where the identity is the whole row.
    bool key = false;

    friend bool operator==(const column&, const column&) = default;
};

/// What a table is called, and what its rows consist of from here on: sent before the first change of a table, and
/// after its definition changed.
struct relation {
    std::uint32_t id = 0;
    std::string schema;
    std::string table;
    /// 'd' the primary key, 'n' nothing, 'f' the whole row, 'i' an index.
    char identity = 'd';
    std::vector<column> columns;

    friend bool operator==(const relation&, const relation&) = default;
};

struct value {
    enum class kind : std::uint8_t {
        null,
        /// A TOASTed value that the change left as it was: it is not sent.
        unchanged,
        text,
    };
    kind is = kind::null;
    /// Of `text`: as PostgreSQL's output function writes it. Not necessarily UTF-8 (a database may be SQL_ASCII): who
    /// makes text of it asks shoal::is_utf8.
    std::string_view text{};

    friend bool operator==(const value&, const value&) = default;
};

/// One value for each column of its relation; of an old row that has only the key, the others are null.
using row = std::vector<value>;

struct begin {
    /// Where the commit stands.
    lsn final_position = 0;
    /// Microseconds since 2000-01-01.
    std::int64_t committed_at = 0;
    /// 32 bits of what is 64 in snapshots.
    std::uint32_t xid = 0;
};

struct commit {
    lsn position = 0;
    /// What is confirmed once everything of it is done.
    lsn end = 0;
    std::int64_t committed_at = 0;
};

/// What was sent of the row before.
enum class old_row : std::uint8_t { none, key, full };

struct insert {
    std::uint32_t relation = 0;
    row now;
};

struct update {
    std::uint32_t relation = 0;
    /// `none` where the key is the same and the identity is not `full`.
    old_row kind = old_row::none;
    row before;
    row now;
};

struct remove {
    std::uint32_t relation = 0;
    old_row kind = old_row::none;
    row before;
};

struct truncate {
    std::vector<std::uint32_t> relations;
    bool cascade = false;
    bool restart_identity = false;
};

/// Of pg_logical_emit_message.
struct emitted {
    bool transactional = false;
    lsn position = 0;
    std::string_view prefix;
    std::string_view content;
};

/// Types, and origins of what was replicated before: nothing that a rule needs.
struct irrelevant {};

using message = std::variant<irrelevant, begin, commit, relation, insert, update, remove, truncate, emitted>;

}  // namespace shoal::relay
