#include "services/relay/views/sql.hpp"

#include <string_view>

#include <fmt/format.h>

namespace shoal::relay {
namespace {

/// A line of its own, as the query may end with a comment.
std::string wrapped(const std::string& query)
{
    return fmt::format("(\n{}\n) AS v", query);
}

void append_element(std::string& to, std::string_view value)
{
    to += '"';
    for (const char each : value) {
        if (each == '"' || each == '\\') to += '\\';
        if (each == '\'') to += '\'';
        to += each;
    }
    to += '"';
}

/// '{"a","b"}'::type[] of the values of one column.
std::string array_of(std::span<const key_values> rows, std::size_t column, const std::string& type)
{
    std::string made{"'{"};
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i > 0) made += ',';
        append_element(made, rows[i][column]);
    }
    return made += fmt::format("}}'::{}[]", type);
}

std::string named(std::span<const std::string> columns, std::string_view after)
{
    std::string made;
    for (const auto& one : columns) made += fmt::format("{}v.{}{}", made.empty() ? "" : ", ", in_quotes(one), after);
    return made;
}

/// Each column for itself, so that an index helps and PostgreSQL can look into the query; then all together.
std::string condition(std::span<const std::string> columns, const view_shape& shape, std::span<const key_values> rows)
{
    std::string made;
    std::string columns_of_rows;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto array = array_of(rows, i, shape.types[i]);
        made += fmt::format("{}v.{} = ANY ({})", i == 0 ? "" : " AND ", in_quotes(columns[i]), array);
        columns_of_rows += fmt::format("{}pg_catalog.unnest({})", i == 0 ? "" : ", ", array);
    }
    if (columns.size() > 1)
        made += fmt::format(" AND ({}) IN (SELECT * FROM ROWS FROM ({}))", named(columns, ""), columns_of_rows);
    return made;
}

std::string selected(const view_definition& of, const view_shape& shape)
{
    using views::kind;
    std::string made;
    switch (of.is) {
    // The row, also where one of its columns is called v.
    case kind::document: return "pg_catalog.to_json(v.*)";
    case kind::hash: return named(shape.columns, "");
    case kind::sorted_set: made = fmt::format(", v.{}::pg_catalog.float8", in_quotes(of.score)); [[fallthrough]];
    case kind::set: break;
    }
    return fmt::format("v.{}{}", in_quotes(of.member), made);
}

std::string rows_sql(const view_definition& of, const view_shape& shape, const std::string& where)
{
    // The order of equal texts, whatever the column's own order takes for equal.
    return fmt::format("SELECT {}, {} FROM {} WHERE {} ORDER BY {}", named(of.key, ""), selected(of, shape),
                       wrapped(of.query), where, named(of.key, "::pg_catalog.text COLLATE pg_catalog.\"C\""));
}

}  // namespace

std::string described_sql(const std::string& query)
{
    return fmt::format("SELECT v.* FROM {}", wrapped(query));
}

std::string listed_sql(const view_definition& of)
{
    return fmt::format("SELECT DISTINCT {} FROM {}", named(of.key, ""), wrapped(of.query));
}

std::string entries_sql(const view_definition& of, const view_shape& shape, std::span<const key_values> keys)
{
    return rows_sql(of, shape, condition(of.key, shape, keys));
}

std::string members_sql(const view_definition& of, const view_shape& shape, std::span<const key_values> members)
{
    auto columns = of.key;
    columns.push_back(of.member);
    return rows_sql(of, shape, condition(columns, shape, members));
}

}  // namespace shoal::relay
