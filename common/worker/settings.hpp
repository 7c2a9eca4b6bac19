#pragma once
// The part of the configuration file that every worker has in common.

#include <chrono>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "common/http/server.hpp"
#include "common/log/log.hpp"
#include "common/redis/client.hpp"
#include "common/worker/service.hpp"

namespace shoal::worker {

struct settings {
    facts known;
    http::limits http;
    log::level log_level = log::level::info;
    std::chrono::milliseconds slow{100};
    /// Empty when the file names no `redis.state`.
    redis::endpoint redis_state;
    std::chrono::milliseconds redis_timeout{100};
    /// Puts the service's own section in force.
    std::function<void()> apply_service;
};

/// Reads the file for `what`; an empty name is a file without a word. Throws config::error with every problem.
[[nodiscard]] settings read_settings(const std::string& file, service& what);

/// The common part for /-/config, without secrets.
[[nodiscard]] nlohmann::json to_json(const settings& from);

}  // namespace shoal::worker
