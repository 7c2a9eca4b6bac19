#pragma once
// What one request asks of a cache.

#include <cstdint>
#include <string_view>

#include "services/cache/protocol/cache_control.hpp"
#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {

enum class method_kind : std::uint8_t {
    get,
    head,
    /// Neither answered from a cache nor a reason to invalidate: OPTIONS, TRACE, PROPFIND, REPORT, SEARCH, QUERY.
    safe,
    /// Any other: goes to the origin, and invalidates (RFC 9111, 4.4).
    unsafe,
};

/// Methods are compared with case.
[[nodiscard]] method_kind kind_of(std::string_view method) noexcept;

/// The views belong to the request.
struct request_view {
    method_kind method = method_kind::unsafe;
    request_directives directives;
    bool has_authorization = false;
    bool has_cookie = false;

    /// If-Match or If-Unmodified-Since: only the origin can judge them (RFC 9110, 13.1.1 and 13.1.4).
    bool only_for_origin = false;
    /// All lines, as they came; empty without.
    field_span fields;
    bool has_if_none_match = false;
    /// Ignored with If-None-Match.
    std::string_view if_modified_since{};
    /// Of GET alone (RFC 9110, 14.2); empty without.
    std::string_view range{};
    std::string_view if_range{};

    /// GET or HEAD, and nothing that only the origin can judge.
    [[nodiscard]] bool may_use_stored() const noexcept
    {
        return (method == method_kind::get || method == method_kind::head) && !only_for_origin;
    }
};

/// `fields` must live as long as the view.
[[nodiscard]] request_view read_request(std::string_view method, field_span fields) noexcept;

}  // namespace shoal::cache::protocol
