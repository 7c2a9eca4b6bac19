#include "services/relay/setup/report.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace shoal::relay {

std::string printable_lines(std::string_view text, std::string_view before)
{
    std::string made;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        made += fmt::format("{}{}\n", before, printable(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return made;
}

std::string printable(std::string_view text)
{
    std::string made;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        if (byte < 0x20 || byte == 0x7f)
            made += fmt::format("\\x{:02x}", byte);
        else
            made += each;
    }
    return made;
}

std::vector<found> review_all(const rules& of, const std::vector<table_facts>& tables)
{
    std::vector<found> all;
    for (std::size_t place = 0; place < std::min(of.size(), tables.size()); ++place)
        for (auto& one : review(of[place], tables[place]))
            all.push_back({of[place].written_at.empty() ? std::optional{place} : std::nullopt, of[place].table,
                           name_of(of[place], place), std::move(one)});
    return all;
}

bool is_sound(const std::vector<found>& all)
{
    return std::ranges::none_of(all, [](const found& one) { return one.what.how == severity::refuse; });
}

std::string to_text(const found& one)
{
    std::string made = one.what.how == severity::refuse ? "refused: " : "warning: ";
    const auto where = one.rule ? fmt::format("rules[{}]", *one.rule) : printable(one.where);
    if (!where.empty() && !one.table.table.empty()) made += fmt::format("{}, {}: ", where, printable(shown(one.table)));
    if (!where.empty() && one.table.table.empty()) made += where + ": ";
    made += printable(one.what.text) + '\n';
    made += printable_lines(one.what.sql, "    ");
    if (one.what.by_setup) made += "    'scripts/fleet relay setup' does that.\n";
    return made;
}

nlohmann::json to_json(const std::vector<found>& all)
{
    auto findings = nlohmann::json::array();
    for (const auto& one : all) {
        findings.push_back({{"rule", one.rule ? nlohmann::json(*one.rule) : nlohmann::json()},
                            {"table", one.table.table.empty() ? nlohmann::json() : nlohmann::json(shown(one.table))},
                            {"severity", one.what.how == severity::refuse ? "refuse" : "warn"},
                            {"text", one.what.text},
                            {"sql", one.what.sql}});
        if (!one.rule && !one.where.empty()) findings.back()["where"] = one.where;
    }
    return {{"ok", is_sound(all)}, {"findings", std::move(findings)}};
}

}  // namespace shoal::relay
