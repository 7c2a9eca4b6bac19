#include "services/relay/postgres/catalog.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/relay/postgres/catalog_sql.hpp"

namespace shoal::relay {
namespace {

/// Of a text that is one by its query.
std::size_t number(const std::string& text)
{
    std::size_t found = 0;
    std::from_chars(text.data(), text.data() + text.size(), found);
    return found;
}

bool yes(const std::string& text)
{
    return text == "t";
}

char letter(const std::string& text)
{
    return text.empty() ? ' ' : text.front();
}

bool is_of_width(const table& rows, std::size_t columns)
{
    for (const auto& row : rows)
        if (row.size() != columns) return false;
    return true;
}

publication_facts to_publication(const std::string& name, const std::vector<std::string>& row)
{
    if (!yes(row[1])) return {.name = name, .via_root = true};
    return {.name = name,
            .has_table = false,
            .inserts = yes(row[3]),
            .updates = yes(row[4]),
            .deletes = yes(row[5]),
            .truncates = yes(row[6]),
            .via_root = yes(row[7])};
}

/// By its oid, as several rules may be about one table.
using by_oid = std::map<std::string, std::vector<table_facts*>>;

result<by_oid> take_tables(catalog& to, const table& rows)
{
    by_oid made;
    if (!is_of_width(rows, 10)) return errc::database_malformed;
    for (const auto& row : rows) {
        const auto place = number(row[0]);
        if (place >= to.tables.size()) return errc::database_malformed;
        auto& one = to.tables[place];
        one.exists = true;
        one.persistence = letter(row[2]);
        one.kind = letter(row[3]);
        one.identity = letter(row[4]);
        if (to.has_publication) one.publication.has_table = yes(row[5]);
        one.published_as = {row[6], row[7]};
        one.publication.row_filter = yes(row[8]);
        one.column_list = yes(row[9]);
        made[row[1]].push_back(&one);
    }
    return made;
}

result<void> take_columns(const by_oid& to, const table& rows)
{
    if (!is_of_width(rows, 6)) return errc::database_malformed;
    for (const auto& row : rows)
        if (const auto found = to.find(row[0]); found != to.end())
            for (auto* const one : found->second)
                one->columns.push_back({row[1], row[2], yes(row[3]), yes(row[4]), yes(row[5])});
    return boost::system::in_place_value;
}

result<void> take_partitions(const by_oid& to, const table& rows)
{
    if (!is_of_width(rows, 7)) return errc::database_malformed;
    for (const auto& row : rows)
        if (const auto found = to.find(row[0]); found != to.end())
            for (auto* const one : found->second)
                one->partitions.push_back(
                    {{row[1], row[2]}, letter(row[3]), letter(row[4]), letter(row[5]), yes(row[6])});
    return boost::system::in_place_value;
}

result<void> take_children(const by_oid& to, const table& rows, const rules& of)
{
    if (!is_of_width(rows, 3)) return errc::database_malformed;
    for (const auto& row : rows) {
        const auto found = to.find(row[0]);
        if (found == to.end()) continue;
        const table_name name{row[1], row[2]};
        const bool has_rule = std::ranges::find(of, name, &rule::table) != of.end();
        for (auto* const one : found->second) one->children.push_back({name, has_rule});
    }
    return boost::system::in_place_value;
}

std::string oids_of(const by_oid& of)
{
    std::vector<std::string_view> oids;
    for (const auto& [oid, tables] : of) oids.emplace_back(oid);
    return fmt::format("{}", fmt::join(oids, ", "));
}

}  // namespace

boost::asio::awaitable<result<catalog>> read_catalog(database& from, std::string publication, const rules& of)
{
    const auto head = co_await from.ask(publication_sql(publication));
    if (!head) co_return head.error();
    if (head->size() != 1 || !is_of_width(*head, 8)) co_return errc::database_malformed;
    const auto version = static_cast<int>(number(head->front()[0]));
    catalog made{.has_publication = yes(head->front()[1]), .tables = {}};
    for (const auto& one : of)
        made.tables.push_back(
            {.name = one.table, .exists = false, .publication = to_publication(publication, head->front())});
    if (of.empty()) co_return made;

    const auto tables = co_await from.ask(tables_sql(version, publication, of));
    if (!tables) co_return tables.error();
    const auto found = take_tables(made, *tables);
    if (!found) co_return found.error();
    if (found->empty()) co_return made;

    const auto columns = co_await from.ask(columns_sql(version, publication, oids_of(*found)));
    if (!columns) co_return columns.error();
    const auto partitions = co_await from.ask(partitions_sql(oids_of(*found)));
    if (!partitions) co_return partitions.error();
    const auto children = co_await from.ask(children_sql(oids_of(*found)));
    if (!children) co_return children.error();
    if (const auto taken = take_columns(*found, *columns); !taken) co_return taken.error();
    if (const auto taken = take_partitions(*found, *partitions); !taken) co_return taken.error();
    if (const auto taken = take_children(*found, *children, of); !taken) co_return taken.error();
    co_return made;
}

}  // namespace shoal::relay
