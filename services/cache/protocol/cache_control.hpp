#pragma once
// Cache-Control (RFC 9111, 5.2), and its forms that are meant for some caches only (RFC 9213).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {

/// What a client asks for. An argument that can't be read counts as the strictest one.
struct request_directives {
    bool no_store = false;
    bool no_cache = false;
    bool no_transform = false;
    bool only_if_cached = false;
    std::optional<std::int64_t> max_age{};
    std::optional<std::int64_t> min_fresh{};
    /// Without an argument: any number of seconds.
    std::optional<std::int64_t> max_stale{};
};

/// Pragma: no-cache counts where there is no Cache-Control (RFC 9111, 5.4).
[[nodiscard]] request_directives read_request_directives(field_span fields) noexcept;

/// What an origin says. A freshness that can't be read is 0 (RFC 9111, 4.2.1); of one that is given twice, the first
/// counts.
struct response_directives {
    bool no_store = false;
    /// Of the whole response; where names are given, `withheld` has them. So with private.
    bool no_cache = false;
    bool is_private = false;
    bool is_public = false;
    bool must_revalidate = false;
    bool proxy_revalidate = false;
    bool must_understand = false;
    bool no_transform = false;
    bool immutable = false;
    std::optional<std::int64_t> max_age{};
    std::optional<std::int64_t> s_maxage{};
    std::optional<std::int64_t> stale_while_revalidate{};
    std::optional<std::int64_t> stale_if_error{};
    /// Fields that are not to be stored, in lower case.
    std::vector<std::string> withheld;
};

[[nodiscard]] response_directives read_response_directives(field_span fields);

/// Of a targeted field like CDN-Cache-Control: a dictionary of structured fields. Nothing when it is absent, empty, or
/// can't be parsed; a directive of the wrong type is left out.
[[nodiscard]] std::optional<response_directives> read_targeted_directives(field_span fields, std::string_view name);

}  // namespace shoal::cache::protocol
