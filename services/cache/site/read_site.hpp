#pragma once
// One site, as the configuration has it and as it shows it.

#include <nlohmann/json.hpp>

#include "services/cache/site/site.hpp"

namespace shoal::config {
class object;
}

namespace shoal::cache {

[[nodiscard]] site read_site(config::object& from);
[[nodiscard]] nlohmann::json to_json(const site& from);

}  // namespace shoal::cache
