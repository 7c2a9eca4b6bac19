#pragma once
// A worker's own paths, on its private socket: they shadow nothing that it serves.

#include <functional>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/http/router.hpp"

namespace shoal::metrics {
class registry;
}

namespace shoal::worker {

enum class phase : std::uint8_t { starting, serving, draining };

/// What the paths show; read at each request.
struct view {
    std::function<phase()> current;
    std::function<nlohmann::json()> config;
    const metrics::registry* metrics = nullptr;
};

/// /-/live, /-/ready (200 serving; 503 starting; 404 draining, at which HAProxy stops sending without calling
/// the worker down), /-/metrics, /-/config.
[[nodiscard]] std::vector<http::route> admin_routes(const view& shown);

}  // namespace shoal::worker
