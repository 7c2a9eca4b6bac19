#pragma once
// The rules in force: read from the configuration, shown as JSON.

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/limiter/rule.hpp"

namespace shoal::config {
class object;
}

namespace shoal::limiter {

/// In the order in which they were written; at most 1,000.
using rules = std::vector<rule>;

/// Reads `services.limiter`; what is wrong is noted there. Without "rules" it has the two that every fleet
/// starts with: demo (10 per minute) and bulk (100,000 per second).
[[nodiscard]] rules read_rules(config::object& section, std::int64_t version);

/// Everything in effect, defaults too, in the configuration's own words.
[[nodiscard]] nlohmann::json to_json(const rule& from);

}  // namespace shoal::limiter
