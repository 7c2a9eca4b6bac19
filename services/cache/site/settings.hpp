#pragma once
// services.cache of the configuration: read with everything that is wrong with it, shown as JSON.

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/cache/site/purge_access.hpp"
#include "services/cache/site/site_list.hpp"

namespace shoal::config {
class object;
}

namespace shoal::cache {

struct settings {
    /// Bytes of each worker for what it keeps in memory, metadata too.
    std::uint64_t memory = std::uint64_t{64} << 20U;
    /// Bytes of the largest body that goes to Redis.
    std::uint64_t l2_object = std::uint64_t{1} << 20U;
    purge_access purge;
    /// Of other proxies in front of ours, which passes on what they say of their clients.
    std::vector<listed_block> trusted_proxies;
    site_list sites;
};

/// Reads `services.cache` and the file of the token; what is wrong is noted there. Without "sites" there are none.
[[nodiscard]] settings read_settings(config::object& section);

/// Everything in effect, defaults too, in the configuration's own words; the token is not.
[[nodiscard]] nlohmann::json to_json(const settings& from);

}  // namespace shoal::cache
