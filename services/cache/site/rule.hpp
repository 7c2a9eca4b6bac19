#pragma once
// How requests of a part of a site are cached.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/site/glob.hpp"

namespace shoal::cache {

/// What a Cookie in a request means. In none of them does an answer that depends on one user's cookies reach another,
/// unless its origin marked it public.
enum class cookie_mode : std::uint8_t {
    /// Such a request may be answered from what is stored; an answer to it is stored only when it is marked public,
    /// as with Authorization (RFC 9111, 3.5).
    when_public,
    /// Such a request goes to the origin, and its answer is not stored.
    bypass,
    /// Cookies are not sent to the origin, so its answer can't depend on them.
    ignore,
};

/// What a request's cookies leave of caching, whatever else is said.
struct cookie_verdict {
    /// It may be answered from what is stored.
    bool serve = true;
    /// An answer to it may be stored at all, and then only when it is public or has s-maxage.
    bool store = true;
    bool store_only_public = false;
    /// The Cookie field goes to the origin.
    bool forward = true;
};

[[nodiscard]] cookie_verdict judge_cookies(cookie_mode mode, bool has_cookie) noexcept;

/// What of a query is a part of the key, pair by pair as it was sent: nothing is decoded.
struct query_rule {
    /// By name; pairs of one name keep their order.
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
    cookie_mode cookies = cookie_mode::when_public;
    /// The codings and languages that the origin has; empty leaves the field as it is.
    std::vector<std::string> accept_encoding;
    std::vector<std::string> accept_language;
    /// For how long whatever may be stored is fresh, whatever the response says of it. It does not make storable what
    /// is not: no-store and private hold.
    std::optional<std::chrono::seconds> ttl;
    /// For responses that say nothing: zero does not store them.
    std::chrono::seconds default_ttl{0};
    /// The same for 404, 410 and 5xx.
    std::chrono::seconds negative_ttl{0};
    bool heuristics = false;
    std::chrono::seconds stale_while_revalidate{0};
    std::chrono::seconds stale_if_error{0};

    /// An answer to this method may be stored and shared here.
    [[nodiscard]] bool caches(std::string_view method) const noexcept;
};

}  // namespace shoal::cache
