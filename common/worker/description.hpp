#pragma once
// A worker as it shows itself on its private socket.

#include <string>

#include <nlohmann/json.hpp>

#include "common/core/clock.hpp"
#include "common/worker/admin.hpp"
#include "common/worker/flags.hpp"
#include "common/worker/service.hpp"
#include "common/worker/settings.hpp"

namespace shoal::worker {

/// One process; another of the same place has another.
struct identity {
    /// 32 hexadecimal digits.
    std::string incarnation;
    boot_time started;
    wall_clock::time_point started_wall;
};

/// What /-/config answers; without secrets.
[[nodiscard]] nlohmann::json describe(const flags& asked, const settings& in_force, const service& what,
                                      const identity& self, phase current);

}  // namespace shoal::worker
