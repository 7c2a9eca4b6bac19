#pragma once
// What became of a request. Every one that was due has exactly one fate.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shoal::load {

enum class fate : std::uint8_t {
    ok,
    /// Answered in full, but with a status that is not expected.
    wrong_status,
    wrong_body,
    /// Another worker than the one before it answered for this key, or nobody said who.
    wrong_owner,
    /// More was admitted in some interval than the rule can admit.
    over_admitted,
    /// The body is older than one that was there before this request was sent.
    stale,
    /// What came is no HTTP/1.1 answer.
    malformed,
    connect_failed,
    /// The connection was reset before the answer was complete.
    reset,
    /// The connection was closed properly, but before the answer was complete.
    closed_early,
    timeout,
    /// Not sent: as many were waiting for a connection as may wait.
    queue_full,
    /// Not sent: no connection became free within the timeout.
    waited_too_long,
    /// The run was stopped by a signal while it waited for a connection, or for its answer.
    stopped_unsent,
    stopped,
};

constexpr std::size_t fates = 15;

/// As in the JSON.
[[nodiscard]] constexpr std::string_view name(fate how) noexcept
{
    constexpr std::array<std::string_view, fates> names{
        "ok",      "wrong_status", "wrong_body",      "wrong_owner",    "over_admitted",
        "stale",   "malformed",    "connect_failed",  "reset",          "closed_early",
        "timeout", "queue_full",   "waited_too_long", "stopped_unsent", "stopped"};
    return names[static_cast<std::size_t>(how)];
}

/// A complete answer came, right or wrong.
[[nodiscard]] constexpr bool answered(fate how) noexcept
{
    return how <= fate::stale;
}

/// Its time says something of the server: those that were given up count with the time that they had waited.
[[nodiscard]] constexpr bool has_latency(fate how) noexcept
{
    return answered(how) || how == fate::timeout || how == fate::waited_too_long;
}

}  // namespace shoal::load
