#pragma once
// /-/cache/purges?count=N&tag=TAG: the last purges of the log, and when a tag was purged last.

#include <vector>

#include "common/http/router.hpp"
#include "services/cache/handlers/engine.hpp"

namespace shoal::cache {

/// `of` lives longer.
[[nodiscard]] std::vector<http::route> purge_history_routes(engine& of);

}  // namespace shoal::cache
