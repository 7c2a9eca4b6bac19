#pragma once
// The head of a request as the origin gets it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"
#include "services/cache/site/host.hpp"
#include "services/cache/site/site.hpp"

namespace shoal::cache {

/// Of the proxy in front: X-Forwarded-Proto when it is "https", else http. A part of the key.
[[nodiscard]] scheme scheme_of(std::span<const field_view> fields) noexcept;

/// The request has been through a cache of this name already (RFC 8586): answer 508.
[[nodiscard]] bool loops(std::span<const field_view> fields) noexcept;

/// Names that make some application see another URL, host, method or client than the cache does, or that direct a
/// server in front of it: whatever they cause would be stored under the wrong key. Without regard to case.
[[nodiscard]] bool is_misleading(std::string_view name, std::string_view method) noexcept;

/// How many more servers OPTIONS or TRACE may reach, the next one counted (RFC 9110, 7.6.2); nothing when it says none.
/// At 0 it is answered here.
[[nodiscard]] std::optional<std::uint32_t> forwards_left(std::string_view method,
                                                         std::span<const field_view> fields) noexcept;

/// What the origin gets of the client's fields. Left out: hop-by-hop fields and what Connection nominates; Host,
/// Content-Length, Expect, X-Forwarded-* and what is_misleading(); every name that has anything but letters, digits
/// and '-' ("X_Forwarded_Host" is "X-Forwarded-Host" to many applications). Where the answer may be shared, encodings
/// and languages are folded, and ignored cookies, X-Request-Id, X-Request-Deadline-Ms and X-Shoal-After are left out.
/// The variant of a shared answer is made of these, never of the client's own: so it depends on nothing else.
class outgoing_fields {
public:
    outgoing_fields() = default;
    /// `fields` live longer.
    outgoing_fields(std::string_view method, std::span<const field_view> fields, const rule& by, bool shared);

    [[nodiscard]] std::span<const field_view> view() const noexcept { return kept_; }

private:
    struct folded {
        std::string encoding;
        std::string language;
    };

    std::vector<field_view> kept_;
    /// By pointer, so that the views in `kept_` hold across a move.
    std::unique_ptr<const folded> folded_;
};

struct forwarding {
    std::string_view method;
    /// target_of(key) where the answer may be shared, so that it can't depend on what the key does not have; else as
    /// the client sent it.
    std::string_view target;
    /// As the key has it: the origin is sent this or the site's own.
    std::string_view host;
    scheme over = scheme::http;
    /// As they came from the client: for X-Forwarded-For.
    std::span<const field_view> received;
    /// outgoing_fields of them.
    std::span<const field_view> fields;
    /// Take the place of those of the same names; and names that are left out.
    std::span<const field_view> replace;
    std::span<const std::string_view> drop;
};

/// Request line and header lines, without Content-Length, Transfer-Encoding, Connection and the empty line.
/// X-Forwarded-Host and -Proto are of the key, X-Forwarded-For has addresses alone; Via and CDN-Loop are added.
[[nodiscard]] std::string forward_head(const forwarding& what, const site& to);

}  // namespace shoal::cache
