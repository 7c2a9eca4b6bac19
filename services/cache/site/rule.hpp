#pragma once
// How requests of a part of a site are cached.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/policy.hpp"
#include "services/cache/site/glob.hpp"

namespace shoal::cache {

/// What a Cookie in a request means. In no case does an answer that depends on one user's cookies reach another,
/// unless its origin marked it as one for all.
enum class cookie_mode : std::uint8_t {
    /// Such a request may be answered from what is stored; an answer to it is stored only when it is marked for all, as
    /// with Authorization (RFC 9111, 3.5).
    guard,
    /// Such a request goes to the origin, and its answer is not stored.
    bypass,
    /// Cookies are not sent to the origin, so its answer can't depend on them.
    ignore,
};

/// What of a query is a part of the key, pair by pair as it was sent: nothing is decoded.
struct query_rule {
    /// By name; pairs of one name keep their order, empty pairs are left out.
    bool sort = false;
    /// Names that are left out, and, unless it is empty, the only ones that are not.
    std::vector<glob> drop{};
    std::vector<glob> keep{};

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
    cookie_mode cookies = cookie_mode::guard;
    /// Cache-Control of requests is honoured; only-if-cached always is.
    bool client_directives = true;
    protocol::site_policy policy;

    /// An answer to this method may be stored and shared here.
    [[nodiscard]] bool caches(std::string_view method) const noexcept;
    /// A request may be answered from what is stored.
    [[nodiscard]] bool may_look_up(bool has_cookie) const noexcept;
};

}  // namespace shoal::cache
