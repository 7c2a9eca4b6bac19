#pragma once
// Which views would miss changes, as the catalog is now.

#include <string>
#include <vector>

#include "services/relay/postgres/catalog.hpp"
#include "services/relay/views/marks.hpp"

namespace shoal::relay {

/// For each view why it can't be followed, for people, or nothing. `by` is of the same rules.
[[nodiscard]] std::vector<std::string> unfit_views(const view_definitions& all, const view_rules& with,
                                                   const catalog& by);

}  // namespace shoal::relay
