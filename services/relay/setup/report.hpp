#pragma once
// What was found of rules, as people and machines read it.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/relay/rules/review.hpp"
#include "services/relay/rules/rules.hpp"

namespace shoal::relay {

struct found {
    /// Absent where the finding is about the database, or about a view's query.
    std::optional<std::size_t> rule{};
    table_name table{};
    /// What it is about, for people: "rules[3]", "view product"; empty for the database.
    std::string where{};
    finding what;
};

/// Each rule beside its table, which are in the same order.
[[nodiscard]] std::vector<found> review_all(const rules& of, const std::vector<table_facts>& tables);
[[nodiscard]] bool is_sound(const std::vector<found>& all);

/// One block: what is wrong, and indented the SQL that helps. Bytes that a terminal could obey are escaped.
[[nodiscard]] std::string to_text(const found& one);
/// {"ok": false, "findings": [{"rule": 0, "table": "public.product", "severity": "refuse", "text": "", "sql": ""}]};
/// rule and table are null where the finding is about the database.
[[nodiscard]] nlohmann::json to_json(const std::vector<found>& all);

/// The same of each line, with its line feed.
[[nodiscard]] std::string printable_lines(std::string_view text, std::string_view before = {});
/// Control characters as \x1b.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace shoal::relay
