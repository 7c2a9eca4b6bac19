#include "services/relay/rules/rules.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/config/reader.hpp"
#include "common/core/text.hpp"

namespace shoal::relay {
namespace {

constexpr std::size_t most_rules = 1000;
constexpr std::size_t most_tags = 32;
constexpr std::int64_t most_most_rows = 100'000;

table_name read_table(config::object& from)
{
    const auto written = from.text("table");
    if (!from.has("table")) return {};
    auto name = parse_table_name(written);
    if (name) return std::move(*name);
    from.problem("table", fmt::format("\"{}\" is not a table's name: {}", written, name.error().what));
    return {};
}

std::vector<tag_template> read_tags(config::object& from)
{
    const auto* const listed = from.raw("tags");
    if (listed == nullptr || !listed->is_array() || listed->empty() || listed->size() > most_tags) {
        from.problem(
            "tags", fmt::format(R"(must be an array of 1 to {} templates, for example ["product:{{id}}"])", most_tags));
        return {};
    }
    std::vector<tag_template> made;
    for (const auto& one : *listed) {
        if (!one.is_string()) {
            from.problem("tags", R"(has an entry that is no string; a template is one, for example "product:{id}")");
            continue;
        }
        const auto& text = one.get_ref<const std::string&>();
        auto tag = tag_template::parse(text);
        if (tag)
            made.push_back(std::move(*tag));
        else
            from.problem("tags", fmt::format("\"{}\" {}", text, tag.error().what));
    }
    return made;
}

bool add_operation(operations& to, const nlohmann::json& word)
{
    bool* const one = word == "insert"     ? &to.insert
                      : word == "update"   ? &to.update
                      : word == "delete"   ? &to.remove
                      : word == "truncate" ? &to.truncate
                                           : nullptr;
    if (one == nullptr) return false;
    *one = true;
    return true;
}

operations read_operations(config::object& from)
{
    const auto* const listed = from.raw("on");
    if (listed == nullptr) return {};
    operations made{false, false, false, false};
    bool fits = listed->is_array() && !listed->empty();
    if (fits)
        for (const auto& word : *listed) fits = add_operation(made, word) && fits;
    if (!fits) from.problem("on", R"(must be an array of some of "insert", "update", "delete", "truncate")");
    return made;
}

std::string read_table_tag(config::object& from, const table_name& table)
{
    auto written = from.text("table_tag", default_table_tag(table));
    if (!from.has("table_tag")) return written;
    auto tag = parse_tag(written);
    if (tag.has_error()) from.problem("table_tag", fmt::format("\"{}\" {}", written, tag.error().what));
    if (written.find_first_of("{}") != std::string::npos && written != default_table_tag(table))
        from.problem("table_tag", "has a brace; it is the tag of all rows, so it can't name a column");
    return written;
}

rule read_rule(config::object& from)
{
    rule made;
    made.table = read_table(from);
    made.tags = read_tags(from);
    made.on = read_operations(from);
    // Asked for also where it is absent, so that a misspelt "wen" is told what was meant.
    if (from.raw("when") != nullptr) {
        auto when = from.child("when");
        made.when = read_filter(when);
    }
    made.table_tag = read_table_tag(from, made.table);
    made.soft = from.boolean("soft", false);
    made.ignores_old_values =
        from.one_of<bool>("old_values", {{"needed", false}, {"ignore", true}}, std::optional<bool>{false});
    made.most_rows = static_cast<std::size_t>(from.integer("most_rows", {1, most_most_rows}, 1000));
    from.done();
    return made;
}

nlohmann::json to_json(const operations& on)
{
    auto words = nlohmann::json::array();
    for (const auto& [named, word] : {std::pair{on.insert, "insert"}, std::pair{on.update, "update"},
                                      std::pair{on.remove, "delete"}, std::pair{on.truncate, "truncate"}})
        if (named) words.push_back(word);
    return words;
}

}  // namespace

rules read_rules(config::object& section)
{
    rules made;
    for (auto& one : section.children("rules", most_rules)) made.push_back(read_rule(one));
    return made;
}

std::string name_of(const rule& of, std::size_t place)
{
    return of.written_at.empty() ? fmt::format("rules[{}]", place) : of.written_at;
}

std::string default_table_tag(const table_name& table)
{
    std::string made{"table:"};
    append_item(made, table.schema);
    made.push_back('.');
    append_item(made, table.table);
    return made;
}

nlohmann::json to_json(const rule& from)
{
    auto tags = nlohmann::json::array();
    for (const auto& one : from.tags) tags.push_back(one.text());
    nlohmann::json made{{"table", shown(from.table)}, {"tags", std::move(tags)},
                        {"on", to_json(from.on)},     {"table_tag", from.table_tag},
                        {"soft", from.soft},          {"old_values", from.ignores_old_values ? "ignore" : "needed"},
                        {"most_rows", from.most_rows}};
    if (from.when) made["when"] = to_json(*from.when);
    return made;
}

}  // namespace shoal::relay
