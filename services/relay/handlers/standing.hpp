#pragma once
// Where the relay stands.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/core/clock.hpp"
#include "services/relay/protocol/lsn.hpp"

namespace shoal::relay {

enum class role : std::uint8_t {
    disconnected,
    /// Another process has the slot.
    standby,
    active,
};

[[nodiscard]] std::string_view name_of(role which) noexcept;

struct standing {
    role as = role::disconnected;
    /// Of `disconnected`, and of `active` where it waits for replicas too long; for people.
    std::string why = "it has just begun";
    /// System identifier, timeline and database.
    std::string source;
    lsn received = 0;
    lsn done = 0;
    /// Flushed by the server when it was last asked.
    lsn server = 0;
    std::size_t open_transactions = 0;
    /// For how long the first transaction has waited that only replicas lack.
    std::chrono::nanoseconds replicas_wait{0};
    /// Since this process began.
    std::uint64_t rows = 0;
    std::uint64_t writes = 0;
    /// Of the purge log.
    std::uint64_t epoch = 0;
    /// When everything that could be seen in the database was last known to be in the purge log.
    boot_time current_at = boot_time::min();
};

/// For operators: all of it.
[[nodiscard]] nlohmann::json to_json(const standing& of, boot_time now);
/// For everybody: nothing of the database but how far behind it this is.
[[nodiscard]] nlohmann::json to_public_json(const standing& of, boot_time now);
/// Also of a server's words in another encoding, or cut within a character.
[[nodiscard]] std::string as_text(const nlohmann::json& shown);

}  // namespace shoal::relay
