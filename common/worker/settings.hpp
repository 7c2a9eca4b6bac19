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
    http::limits http{.concurrency = http::concurrency_bounds{}};
    /// The longest body that a client may send to a site, in bytes; the other limits are those of `http`.
    std::size_t site_body = std::size_t{1} << 30;
    log::level log_level = log::level::info;
    std::chrono::milliseconds slow{100};
    /// Empty when the file names no `redis.state`.
    redis::endpoint redis_state;
    /// Empty when the file names no `redis.l2`, or only how much memory the fleet's own may have.
    redis::endpoint redis_l2;
    std::chrono::milliseconds redis_timeout{100};
    /// Puts the service's own section in force.
    std::function<void()> apply_service;

    /// What a reload puts in force: all but http and redis, which only a start takes. Returns whether these differ.
    [[nodiscard]] bool replace(settings read);
};

/// Reads the file for `what`; an empty name is a file without a word. Throws config::error with every problem.
[[nodiscard]] settings read_settings(const std::string& file, service& what);

/// The common part for /-/config, without secrets.
[[nodiscard]] nlohmann::json to_json(const settings& from);

}  // namespace shoal::worker
