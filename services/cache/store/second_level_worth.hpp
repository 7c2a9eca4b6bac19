#pragma once
// How long the second level keeps a response.

#include <chrono>

#include "common/core/clock.hpp"
#include "services/cache/memory/stored.hpp"

namespace shoal::cache {

/// Until it can't be used any more; `validation` longer when it can be validated then. At most 30 days; zero or less
/// for what is of no use.
[[nodiscard]] std::chrono::milliseconds worth(const stored& what, boot_time now, std::chrono::seconds validation);

}  // namespace shoal::cache
