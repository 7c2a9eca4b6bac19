#pragma once
// What the command line and the configuration together make of a worker's parts.

#include "common/log/log.hpp"
#include "common/redis/options.hpp"
#include "common/worker/flags.hpp"
#include "common/worker/settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace shoal::worker {

[[nodiscard]] log::options log_options(const flags& asked, const settings& read);

/// The configuration's Redis `state`, else the command line's. Throws config::error when neither names one.
[[nodiscard]] redis::options state_options(const flags& asked, const settings& read);
/// The same of `l2`; nothing when neither names one.
[[nodiscard]] std::optional<redis::options> l2_options(const flags& asked, const settings& read);

/// The configuration's limits, with no more connections than there are descriptors left for: the log, Redis, a
/// reload and the private socket keep some. Where there is a front for sites, it gets a third of them, and the
/// connections to what stands behind it another.
[[nodiscard]] http::limits http_limits(const flags& asked, const settings& read);
/// Those of the front for sites.
[[nodiscard]] http::limits site_limits(const flags& asked, const settings& read);

/// Beside the private socket, under the worker's name.
[[nodiscard]] std::string lock_path(const flags& asked);

/// The private socket first: whoever finds a new process there may rely on the public ones being next.
[[nodiscard]] std::vector<std::string> place_paths(const flags& asked);

}  // namespace shoal::worker
