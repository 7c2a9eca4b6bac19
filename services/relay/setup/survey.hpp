#pragma once
// What the operators' commands know of a database before they say or do anything.

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "services/relay/handlers/settings.hpp"
#include "services/relay/postgres/catalog.hpp"
#include "services/relay/postgres/database.hpp"

namespace shoal::relay {

struct survey {
    /// Why the database can't be followed or its slot can't be used; nothing else is known where `reached` is false.
    std::string unfit;
    bool reached = false;
    std::string database;
    std::string role;
    /// As the catalog has it; a hosted PostgreSQL may allow replication by other means.
    bool may_replicate = false;
    /// May see how far replicas are, and which of those in the configuration are connected.
    bool may_see_replicas = true;
    std::vector<bool> connected_replicas;
    catalog schema;
    slot_facts slot;
};

/// The tables that change views are among the rules, as they have to fit as these do. Throws config::error with what is
/// wrong with the file.
[[nodiscard]] settings read_configuration(const std::string& file);

/// Connects as the relay does, but for replication.
[[nodiscard]] boost::asio::awaitable<survey> look_at(database& from, const settings& chosen);

/// "what: why", for errors of a database.
[[nodiscard]] std::string failure(std::string_view what, boost::system::error_code error, const database& from);

}  // namespace shoal::relay
