#pragma once
// When something that is stored was true, as the purge log counts (RULES of coherence: services/cache/README.md).

#include <cstdint>

namespace shoal::coherence {

/// The log position that the worker had applied when it sent the request to the origin.
struct stamp {
    /// Zero is no epoch: nothing with it is ever served.
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;

    friend bool operator==(const stamp&, const stamp&) = default;
};

/// A tag as everything but a client sees it: 64 bits of a hash over its kind, its site and its text.
/// Two tags that collide are purged together.
using tag = std::uint64_t;

/// What the purge log says of something stored.
enum class standing : std::uint8_t {
    /// No tag of it was purged since.
    current,
    /// A tag of it was purged softly since: it must be validated, and may be served meanwhile where staleness is
    /// allowed.
    softly_purged,
    /// It must not be served.
    purged,
};

}  // namespace shoal::coherence
