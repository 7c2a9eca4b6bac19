#pragma once
// What an answer says about other stored ones: URLs that an unsafe request changed (RFC 9111, 4.4), groups (RFC 9875),
// and the surrogate keys by which it wants to be found itself.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"
#include "services/cache/protocol/request_view.hpp"

namespace shoal::cache::protocol {

/// 2xx or 3xx to an unsafe method: the target is to be invalidated.
[[nodiscard]] bool invalidates(method_kind method, unsigned status) noexcept;

/// Targets in origin form that Location and Content-Location name besides the request's own, where they are of the same
/// host (`host` as the site knows it, lower case, with its port if that is not the scheme's). Relative ones are
/// resolved against `target`. At most two, without `target` itself.
[[nodiscard]] std::vector<std::string> invalidated_targets(field_span fields, std::string_view host,
                                                           std::string_view target);

/// Bounds of one response's keys.
inline constexpr std::size_t most_keys = 1000;
inline constexpr std::size_t longest_key = 1024;

struct surrogate_keys {
    /// Sorted, each once.
    std::vector<std::string> keys;
    /// RFC 9875: groups are of one origin, and no keys.
    std::vector<std::string> groups;
    /// More or longer ones than the bounds: the response must not be kept, since a purge could miss it.
    bool too_many = false;
};

/// Surrogate-Key and xkey (separated by spaces), Cache-Tag (by commas), Cache-Groups (a list of strings).
[[nodiscard]] surrogate_keys read_keys(field_span fields);

/// The groups of Cache-Group-Invalidation, of an answer to an unsafe method; within the bounds above.
[[nodiscard]] std::vector<std::string> invalidated_groups(field_span fields);

}  // namespace shoal::cache::protocol
