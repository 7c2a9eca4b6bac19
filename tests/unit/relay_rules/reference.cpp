#include "tests/unit/relay_rules/reference.hpp"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace shoal::relay::test {
namespace {

using shoal::test::fast_dice;
/// Outer: known. Inner: not NULL.
using known_cell = std::optional<cell>;

std::string encoded(const std::string& text)
{
    std::string made;
    for (const char c : text) {
        const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
        char buffer[4] = {c, 0, 0, 0};
        if (byte <= 32 || byte == 127 || c == ',' || c == '%') std::snprintf(buffer, sizeof buffer, "%%%02X", byte);
        made += buffer;
    }
    return made;
}

bool stayed(const plain_change& in, const std::string& name)
{
    return in.before && in.now && in.before->at(name) == in.now->at(name);
}

bool key_stayed(const plain_table& of, const plain_change& in)
{
    return std::ranges::all_of(of.keys, [&](const auto& name) { return stayed(in, name); });
}

known_cell known_old(const plain_table& of, const plain_change& in, const std::string& name)
{
    if (of.full || of.keys.contains(name)) return in.before->at(name);
    return std::nullopt;
}

known_cell known_new(const plain_table& of, const plain_change& in, const std::string& name)
{
    const bool hidden = of.large.contains(name) && stayed(in, name) && in.now->at(name) && !of.full;
    if (hidden) return std::nullopt;
    return in.now->at(name);
}

/// Nothing for a tag that there is not, "?" for one that isn't known.
std::optional<std::string> tag_of(const std::vector<hole>& made_by, const std::map<std::string, known_cell>& of)
{
    std::string made;
    bool unknown = false;
    for (const auto& [literal, column] : made_by) {
        made += literal;
        if (column.empty()) continue;
        const auto& value = of.at(column);
        if (value && !*value) return std::nullopt;
        if (value) made += encoded(**value);
        unknown = unknown || !value;
    }
    if (unknown || made.size() > 1024) return "?";
    if (made.empty()) return std::nullopt;
    return made;
}

std::set<std::string> tags_of(const plain_rule& by, const std::map<std::string, known_cell>& of)
{
    std::set<std::string> made;
    for (const auto& one : by.tags)
        if (const auto tag = tag_of(one, of)) made.insert(*tag);
    return made;
}

bool is_about(const plain_rule& by, const plain_change& of)
{
    if (!of.before && !of.now) return by.truncate;
    return !of.before ? by.insert : !of.now ? by.remove : by.update;
}

/// The tags of one change, "?" among them; nothing where it is outside of the rule.
std::optional<std::set<std::string>> tags_of(const plain_rule& by, const plain_table& table, const plain_change& of)
{
    std::optional<std::set<std::string>> made;
    const auto add = [&](const std::map<std::string, known_cell>& values, const known_cell& filtered) {
        if (!by.filter_column.empty() && !by.is_inside(filtered)) return;
        if (!made) made.emplace();
        made->merge(tags_of(by, values));
    };
    std::map<std::string, known_cell> values;
    if (of.before) {
        for (const auto& name : table.columns) {
            values[name] = known_old(table, of, name);
            if (!values[name] && by.ignore && of.now) values[name] = known_new(table, of, name);
        }
        add(values, by.filter_column.empty() ? known_cell{} : known_old(table, of, by.filter_column));
    }
    if (of.now) {
        for (const auto& name : table.columns) values[name] = known_new(table, of, name);
        add(values, by.filter_column.empty() ? known_cell{} : known_new(table, of, by.filter_column));
    }
    return made;
}

std::set<std::string> whole_table(const plain_rule& by)
{
    std::set<std::string> made{by.table_tag};
    for (const auto& one : by.tags)
        if (std::ranges::all_of(one, [](const hole& part) { return part.column.empty(); }))
            made.insert(*tag_of(one, {}));
    return made;
}

const std::vector<cell> values{std::nullopt,          "", "1", "2", "3", "a b", "1,2", "50%", "t\t", "\x7f", "ü", "{x}",
                               std::string(1020, 'v')};

cell any_cell(fast_dice& dice, bool key)
{
    return key ? std::to_string(dice.below(4)) : values[dice.below(dice.chance(0.03) ? values.size() : 6)];
}

bool flip(fast_dice& dice)
{
    return dice.chance(0.5);
}

}  // namespace

std::string plain_rule::json() const
{
    nlohmann::json made{{"table", "product"}, {"soft", soft}, {"most_rows", most_rows}, {"table_tag", table_tag}};
    for (const auto& tag : tags) {
        std::string text;
        for (const auto& [literal, column] : tag) {
            text += literal;
            if (!column.empty()) text.append("{").append(column).append("}");
        }
        made["tags"].push_back(text);
    }
    for (const auto& [is_on, word] : {std::pair{insert, "insert"}, std::pair{update, "update"},
                                      std::pair{remove, "delete"}, std::pair{truncate, "truncate"}})
        if (is_on) made["on"].push_back(word);
    if (ignore) made["old_values"] = "ignore";
    if (filter_column.empty()) return made.dump();
    made["when"] = {{"column", filter_column}};
    if (filter_test == "null" || filter_test == "not null")
        made["when"]["null"] = filter_test == "null";
    else
        made["when"][filter_test] = filter_texts;
    return made.dump();
}

bool plain_rule::is_inside(const std::optional<cell>& of) const
{
    if (!of) return true;
    if (filter_test == "null") return !*of;
    if (filter_test == "not null") return of->has_value();
    if (filter_test == "in") return *of && filter_texts.contains(**of);
    return !*of || !filter_texts.contains(**of);
}

relation plain_table::as_relation() const
{
    relation made{.id = 1, .schema = "public", .table = "product", .identity = full ? 'f' : 'd', .columns = {}};
    for (const auto& name : columns) made.columns.push_back({.name = name, .key = full || keys.contains(name)});
    return made;
}

old_row plain_change::sent(const plain_table& of) const
{
    if (!before) return old_row::none;
    if (of.full) return old_row::full;
    return now && key_stayed(of, *this) ? old_row::none : old_row::key;
}

row plain_change::row_before(const plain_table& of) const
{
    row made;
    if (sent(of) == old_row::none) return made;
    for (const auto& name : of.columns) {
        const cell& one = before->at(name);
        const bool is_sent = one && (of.full || of.keys.contains(name));
        made.push_back(is_sent ? value{value::kind::text, *one} : value{});
    }
    return made;
}

row plain_change::row_now(const plain_table& of) const
{
    row made;
    for (const auto& name : of.columns) {
        const cell& one = now->at(name);
        if (one && of.large.contains(name) && stayed(*this, name))
            made.push_back({value::kind::unchanged});
        else
            made.push_back(one ? value{value::kind::text, *one} : value{});
    }
    return made;
}

plain_table any_table(fast_dice& dice)
{
    plain_table made{.columns = {"a", "b", "c", "d", "e"}, .keys = {}, .large = {}, .full = flip(dice)};
    for (const auto& name : made.columns) {
        if (dice.chance(0.3))
            made.keys.insert(name);
        else if (dice.chance(0.3))
            made.large.insert(name);
    }
    if (!made.full && made.keys.empty()) made.full = true;
    return made;
}

plain_rule any_rule(const plain_table& of, fast_dice& dice)
{
    const auto any_column = [&] { return of.columns[dice.below(of.columns.size())]; };
    plain_rule made;
    for (std::size_t i = 0; i <= dice.below(4); ++i) {
        std::vector<hole> tag;
        const std::size_t holes = dice.below(4);
        for (std::size_t hole = 0; hole < holes; ++hole) tag.push_back({flip(dice) ? "p:" : "", any_column()});
        if (tag.empty() || flip(dice)) tag.push_back({flip(dice) ? "x" : "y", ""});
        made.tags.push_back(std::move(tag));
    }
    made.insert = dice.chance(0.8);
    made.update = dice.chance(0.8);
    made.remove = dice.chance(0.8);
    made.truncate = dice.chance(0.8) || !(made.insert || made.update || made.remove);
    if (flip(dice)) {
        made.filter_column = any_column();
        made.filter_test = std::vector<std::string>{"in", "not_in", "null", "not null"}[dice.below(4)];
        made.filter_texts = {std::to_string(dice.below(4)), "a b"};
    }
    made.soft = flip(dice);
    made.ignore = dice.chance(0.3);
    made.most_rows = 1 + dice.below(8);
    made.table_tag = flip(dice) ? "table" : "x";
    return made;
}

plain_change any_change(const plain_table& of, fast_dice& dice)
{
    plain_change made;
    if (dice.chance(0.03)) return made;
    const std::size_t kind = dice.below(4);
    if (kind != 0) {
        made.before.emplace();
        for (const auto& name : of.columns) (*made.before)[name] = any_cell(dice, of.keys.contains(name));
    }
    if (kind == 1) return made;
    made.now = made.before.value_or(record{});
    for (const auto& name : of.columns)
        if (kind == 0 || dice.chance(0.3)) (*made.now)[name] = any_cell(dice, of.keys.contains(name));
    return made;
}

plain_tags expected(const std::vector<plain_rule>& rules, const plain_table& of,
                    const std::vector<plain_change>& changes)
{
    plain_tags made;
    std::set<const plain_change*> unknown;
    for (const auto& by : rules) {
        std::set<std::string> tags;
        std::set<std::string> whole;
        std::uint64_t rows = 0;
        for (const auto& one : changes) {
            if (!is_about(by, one)) continue;
            if (!one.before && !one.now) {
                whole = whole_table(by);
                continue;
            }
            auto found = tags_of(by, of, one);
            if (!found || ++rows > by.most_rows) continue;
            if (found->erase("?") != 0) {
                unknown.insert(&one);
                whole = whole_table(by);
            }
            tags.merge(*found);
        }
        if (rows > by.most_rows) {
            tags.clear();
            whole = whole_table(by);
            made.collapsed += rows;
        }
        tags.merge(whole);
        (by.soft ? made.soft : made.hard).merge(tags);
    }
    for (const auto& tag : made.hard) made.soft.erase(tag);
    made.unknown = unknown.size();
    return made;
}

std::set<std::string> true_tags(const plain_rule& by, const plain_change& of)
{
    std::set<std::string> made;
    if (!is_about(by, of)) return made;
    for (const auto& one : {of.before, of.now}) {
        if (!one || (!by.filter_column.empty() && !by.is_inside(one->at(by.filter_column)))) continue;
        std::map<std::string, known_cell> all;
        for (const auto& [name, text] : *one) all[name] = text;
        made.merge(tags_of(by, all));
    }
    // Longer than the cache keeps: nothing has it.
    made.erase("?");
    return made;
}

}  // namespace shoal::relay::test
