#pragma once
// Queries as a part of keys.

#include <string>
#include <string_view>

#include "services/cache/site/rule.hpp"

namespace shoal::cache {

/// Appends '?' and what the rule leaves of the query; nothing when it leaves no pair of those there were. A query that
/// was sent empty is one.
void append_query(std::string& into, std::string_view query, const query_rule& by);

}  // namespace shoal::cache
