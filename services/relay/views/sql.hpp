#pragma once
// The statements that a view's query is wrapped in.

#include <span>
#include <string>
#include <vector>

#include "services/relay/views/definition.hpp"

namespace shoal::relay {

/// What PostgreSQL says of a query's columns.
struct view_shape {
    /// As SQL writes the types of the key's columns, and of the member's where there is one.
    std::vector<std::string> types;
    /// All of the query.
    std::vector<std::string> columns;
};

/// The columns of a key, and of a member after them where it is one.
using key_values = std::vector<std::string>;

/// Of no row that would be needed: to be prepared and described.
[[nodiscard]] std::string described_sql(const std::string& query);
/// The columns of each key, once.
[[nodiscard]] std::string listed_sql(const view_definition& of);
/// Rows of entries, those of one key after each other. The columns of the key, then: the document; or the values of
/// all columns of the query; or the member, and its score. `keys` is not empty.
[[nodiscard]] std::string entries_sql(const view_definition& of, const view_shape& shape,
                                      std::span<const key_values> keys);
/// The same of some members only.
[[nodiscard]] std::string members_sql(const view_definition& of, const view_shape& shape,
                                      std::span<const key_values> members);

}  // namespace shoal::relay
