#pragma once
// The head of a request as the origin gets it.

#include <span>
#include <string>
#include <string_view>

#include "services/cache/protocol/fields.hpp"
#include "services/cache/site/host.hpp"
#include "services/cache/site/site.hpp"

namespace shoal::cache {

/// Of the proxy in front: X-Forwarded-Proto when it is "https", else http. A part of the key.
[[nodiscard]] scheme scheme_of(std::span<const field_view> fields) noexcept;

/// The request has been through a cache of this name already (RFC 8586): answer 508.
[[nodiscard]] bool loops(std::span<const field_view> fields) noexcept;

struct forwarding {
    std::string_view method;
    /// target_of(key) where the answer may be shared; else as the client sent it.
    std::string_view target;
    /// As the key has it; the origin is sent this or the site's own.
    std::string_view host;
    scheme over = scheme::http;
    /// The answer may be shared: Cookie is left to the rule, encodings and languages are folded.
    bool shared = true;
    /// Fields that take the place of the client's of these names, and names that are left out.
    std::span<const field_view> replace;
    std::span<const std::string_view> drop;
};

/// Request line and header lines, without Content-Length, Transfer-Encoding, Connection and the empty line.
/// Left out: hop-by-hop fields, and those that Connection names; Expect; every name with anything but letters, digits
/// and '-' ("X_Forwarded_Host" is "X-Forwarded-Host" to many applications); and is_misleading() ones. Added: Via,
/// CDN-Loop, X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-For as the proxy in front set them.
[[nodiscard]] std::string forward_head(const forwarding& what, const site& to, const rule& by,
                                       std::span<const field_view> fields);

/// Names that make some application see another URL, host, method or client than the cache does, or that direct a
/// server in front of it: whatever they cause would be stored under the wrong key. Without regard to case.
[[nodiscard]] bool is_misleading(std::string_view name, std::string_view method) noexcept;

}  // namespace shoal::cache
