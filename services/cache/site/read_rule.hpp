#pragma once
// Rules, as the configuration has them and as it shows them.

#include <nlohmann/json.hpp>

#include "services/cache/site/rule.hpp"
#include "services/cache/site/site.hpp"

namespace shoal::config {
class object;
}

namespace shoal::cache {

/// What a site says for all of its paths and a rule for some: `into` has what holds where nothing is said.
void read_handling(config::object& from, rule& into);

/// A rule of the site; `defaults` are the site's own.
[[nodiscard]] rule read_rule(config::object& from, const rule& defaults);

/// For paths that servers read differently: what widens caching does not hold for them, what narrows it does.
[[nodiscard]] rule doubtful_rule(const site& of);

/// Adds everything that read_handling() reads.
void show_handling(const rule& from, nlohmann::json& into);
[[nodiscard]] nlohmann::json to_json(const rule& from);

}  // namespace shoal::cache
