#pragma once
// A table with which nothing is wrong, for tests that change one thing of it.

#include <string>
#include <vector>

#include "services/relay/rules/review.hpp"

namespace shoal::relay::test {

/// public.product: id is its primary key; category_id, status, on_sale and price are not in it.
[[nodiscard]] table_facts sound_table();

/// What `review` finds of a rule in JSON without its "table".
[[nodiscard]] std::vector<finding> reviewed(const std::string& fields, const table_facts& table);

/// That there is exactly one finding, of this severity, with this in its text; its SQL.
[[nodiscard]] std::string sql_of_one(const std::vector<finding>& all, severity how, const std::string& part);

inline const std::string by_id = R"("tags":["product:{id}"])";
inline const std::string by_category = R"("tags":["category:{category_id}"])";

}  // namespace shoal::relay::test
