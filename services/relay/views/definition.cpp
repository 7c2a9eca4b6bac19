#include "services/relay/views/definition.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "common/config/reader.hpp"

namespace shoal::relay {
namespace {

constexpr std::size_t most_columns = 8;
constexpr std::size_t most_sources = 32;
constexpr std::size_t longest_query = 64 * 1024;
constexpr std::int64_t most_most_rows = 100'000;

std::string read_column(config::object& from, std::string_view field, const std::string& written)
{
    auto name = parse_name(written);
    if (name) return std::move(*name);
    from.problem(field, fmt::format("\"{}\" is not a column's name: {}", written, name.error().what));
    return {};
}

std::vector<std::string> read_columns(config::object& from, std::string_view field)
{
    const auto* const listed = from.raw(field);
    const bool fits = listed != nullptr && listed->is_array() && !listed->empty() && listed->size() <= most_columns &&
                      std::ranges::all_of(*listed, [](const auto& one) { return one.is_string(); });
    if (!fits) {
        from.problem(field, fmt::format(R"(must be an array of 1 to {} columns, for example ["id"])", most_columns));
        return {};
    }
    std::vector<std::string> columns;
    for (const auto& one : *listed) columns.push_back(read_column(from, field, one.get_ref<const std::string&>()));
    return columns;
}

/// Without the semicolon that it may have in psql.
std::string read_query(config::object& from, std::string_view field)
{
    auto query = from.text(field, "");
    while (!query.empty() && std::string_view{" \t\r\n;"}.find(query.back()) != std::string_view::npos)
        query.pop_back();
    if (query.empty() || query.size() > longest_query)
        from.problem(field, fmt::format("must be a SELECT of 1 to {} bytes", longest_query));
    return query;
}

void read_scope(config::object& from, change_source& into, const view_definition& of)
{
    const bool everything = from.boolean("all", false);
    const bool selected = from.has("keys");
    const bool row = from.has("key");
    if (static_cast<int>(everything) + static_cast<int>(selected) + static_cast<int>(row) != 1)
        from.problem("key", R"(one of "key", "keys" and "all": true says which entries a changed row concerns)");
    if (everything) {
        into.of = change_source::scope::everything;
    } else if (selected) {
        into.of = change_source::scope::selected;
        into.keys = read_query(from, "keys");
        into.columns = read_columns(from, "from");
    } else {
        into.columns = read_columns(from, "key");
        if (into.columns.size() != of.key.size() && !into.columns.empty())
            from.problem("key", fmt::format("must have {} columns, as the view's key has", of.key.size()));
    }
    if (!from.has("member")) return;
    const auto member = from.text("member");
    if (into.of != change_source::scope::changed || !of.has_members())
        from.problem("member", R"(is for "key" of a set or a sorted_set)");
    into.has_member = true;
    into.columns.push_back(read_column(from, "member", member));
}

change_source read_source(config::object& from, const view_definition& of)
{
    change_source made;
    const auto written = from.text("table");
    if (from.has("table")) {
        auto name = parse_table_name(written);
        if (name)
            made.table = std::move(*name);
        else
            from.problem("table", fmt::format("\"{}\" is not a table's name: {}", written, name.error().what));
    }
    read_scope(from, made, of);
    if (from.raw("when") != nullptr) {
        auto when = from.child("when");
        made.when = read_filter(when);
    }
    made.ignores_old_values =
        from.one_of<bool>("old_values", {{"needed", false}, {"ignore", true}}, std::optional<bool>{false});
    made.most_rows = static_cast<std::size_t>(from.integer("most_rows", {1, most_most_rows}, 10'000));
    from.done();
    return made;
}

void read_members(config::object& from, view_definition& into)
{
    using views::kind;
    const bool scored = into.is == kind::sorted_set;
    const bool has_members = scored || into.is == kind::set;
    if (from.has("member") != has_members)
        from.problem("member", "a set and a sorted_set have a column of members, no other kind has one");
    if (from.has("score") != scored)
        from.problem("score", "a sorted_set has a column of scores, no other kind has one");
    if (from.has("member")) into.member = read_column(from, "member", from.text("member"));
    if (from.has("score")) into.score = read_column(from, "score", from.text("score"));
}

view_definition read_view(config::object& from)
{
    using views::kind;
    view_definition made;
    made.name = from.text("name");
    if (!views::is_name(made.name) && from.has("name"))
        from.problem("name", "must be 1 to 64 of a to z, 0 to 9, _ and -");
    made.is = from.one_of<kind>(
        "kind",
        {{"document", kind::document}, {"hash", kind::hash}, {"set", kind::set}, {"sorted_set", kind::sorted_set}});
    made.key = read_columns(from, "key");
    read_members(from, made);
    made.query = read_query(from, "query");
    for (auto& one : from.children("changed_by", most_sources)) made.changed_by.push_back(read_source(one, made));
    if (made.changed_by.empty())
        from.problem("changed_by", "must name each table that the query reads, so that its changes are seen");
    from.done();
    return made;
}

nlohmann::json shown_columns(const std::vector<std::string>& columns)
{
    auto made = nlohmann::json::array();
    for (const auto& one : columns) made.push_back(shown(one));
    return made;
}

nlohmann::json to_json(const change_source& from)
{
    nlohmann::json made{{"table", shown(from.table)},
                        {"old_values", from.ignores_old_values ? "ignore" : "needed"},
                        {"most_rows", from.most_rows}};
    auto columns = from.columns;
    if (from.has_member) {
        made["member"] = shown(columns.back());
        columns.pop_back();
    }
    switch (from.of) {
    case change_source::scope::everything: made["all"] = true; break;
    case change_source::scope::selected:
        made["keys"] = from.keys;
        made["from"] = shown_columns(columns);
        break;
    case change_source::scope::changed: made["key"] = shown_columns(columns); break;
    }
    if (from.when) made["when"] = to_json(*from.when);
    return made;
}

}  // namespace

view_definitions read_views(config::object& section)
{
    view_definitions made;
    for (auto& one : section.children("views", views::most_views)) {
        made.push_back(read_view(one));
        const auto same = [&made](const view_definition& other) { return other.name == made.back().name; };
        if (std::count_if(made.begin(), made.end(), same) > 1) one.problem("name", "is another view's, too");
    }
    return made;
}

nlohmann::json to_json(const view_definition& from)
{
    auto sources = nlohmann::json::array();
    for (const auto& one : from.changed_by) sources.push_back(to_json(one));
    nlohmann::json made{{"name", from.name},
                        {"kind", views::name_of(from.is)},
                        {"key", shown_columns(from.key)},
                        {"query", from.query},
                        {"changed_by", std::move(sources)}};
    if (!from.member.empty()) made["member"] = shown(from.member);
    if (!from.score.empty()) made["score"] = shown(from.score);
    return made;
}

std::string view_digest(const view_definition& of)
{
    const auto text = to_json(of).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace shoal::relay
