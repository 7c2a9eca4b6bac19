#pragma once
// The relay's section of the configuration.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/relay/postgres/connection.hpp"
#include "services/relay/rules/rules.hpp"
#include "services/relay/views/definition.hpp"

namespace shoal::relay {

struct settings {
    database_settings database;
    std::string publication;
    std::string slot;
    /// Bytes of the database's log that the slot may keep.
    std::uint64_t wal_budget = 0;
    /// Standbys that origins read, by their application_name: nothing counts as visible that they have not replayed.
    std::vector<std::string> replicas{};
    /// How long one may keep claims waiting before somebody is told.
    std::chrono::milliseconds replica_patience{10'000};
    rules all{};
    view_definitions views{};
    /// Of one statement for views: one that takes longer makes its view unavailable.
    std::chrono::milliseconds query_timeout{5'000};
    /// How many entries of views are compared with their queries; nothing for none.
    std::optional<int> audits_per_second{};
};

/// What is wrong is noted in the section.
[[nodiscard]] settings read_settings(config::object& section);
/// Tells rules apart: what was cached under others, these may not have purged.
[[nodiscard]] std::uint64_t rules_digest(const settings& of);
/// Everything in effect; a password is only in the file that is named.
[[nodiscard]] nlohmann::json to_json(const settings& from);

}  // namespace shoal::relay
