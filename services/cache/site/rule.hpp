#pragma once
// How requests of a part of a site are cached.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/policy.hpp"
#include "services/cache/site/glob.hpp"

namespace shoal::cache {

/// What of a query is a part of the key, pair by pair as it was sent: nothing is decoded.
struct query_rule {
    /// By name; pairs of one name keep their order, empty pairs are left out.
    bool sort = false;
    /// Names that are left out, and, unless it is empty, the only ones that are not.
    std::vector<glob> drop;
    std::vector<glob> keep;

    [[nodiscard]] bool changes() const noexcept { return sort || !drop.empty() || !keep.empty(); }
};

struct rule {
    glob path{"*"};
    /// Never answered from the cache, never stored.
    bool pass = false;
    bool get = true;
    bool head = true;
    query_rule query;
    /// The codings and languages that the origin has; empty leaves the field as it is.
    std::vector<std::string> accept_encoding{"br", "gzip"};
    std::vector<std::string> accept_language;
    /// For how long what may be stored is fresh, whatever the response says of that.
    std::optional<std::chrono::seconds> ttl;
    protocol::site_policy policy;

    /// An answer to this method may be stored and shared here.
    [[nodiscard]] bool caches(std::string_view method) const noexcept;
    /// Puts `ttl` into what a response says, unless it is an error. no-cache and must-revalidate hold; no-store and
    /// private have been seen to before.
    void set_lifetime(unsigned status, lifetime& use) const noexcept;
};

}  // namespace shoal::cache
