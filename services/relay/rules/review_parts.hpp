#pragma once
// The questions that a review asks one after the other; each adds what it finds.

#include <string>
#include <string_view>
#include <vector>

#include "services/relay/rules/review.hpp"

namespace shoal::relay {

using findings = std::vector<finding>;

/// Whether changes of the table come at all, and under which name.
void review_publication(findings& to, const rule& of, const table_facts& table);
/// Whether they carry the values that the rule needs.
void review_columns(findings& to, const rule& of, const table_facts& table);
/// Whether old values come with updates and deletes.
void review_identity(findings& to, const rule& of, const table_facts& table);
/// Whether a text of "when" can be equal to a value of its column.
void review_filter(findings& to, const rule& of, const table_facts& table);

/// What the rule names, each once: the columns of its templates.
[[nodiscard]] std::vector<std::string> template_columns(const rule& of);
[[nodiscard]] const column_facts* find_column(const table_facts& table, std::string_view name) noexcept;
/// Sets REPLICA IDENTITY FULL on the table and on its partitions, which don't inherit it.
[[nodiscard]] std::string full_identity_sql(const table_facts& table);

}  // namespace shoal::relay
