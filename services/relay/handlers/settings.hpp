#pragma once
// The relay's section of the configuration.

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "services/relay/postgres/connection.hpp"
#include "services/relay/rules/rules.hpp"

namespace shoal::relay {

struct settings {
    database_settings database;
    std::string publication;
    std::string slot;
    rules all;
};

/// What is wrong is noted in the section.
[[nodiscard]] settings read_settings(config::object& section);
/// Everything in effect; a password is only in the file that is named.
[[nodiscard]] nlohmann::json to_json(const settings& from);

}  // namespace shoal::relay
