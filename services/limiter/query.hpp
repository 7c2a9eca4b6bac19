#pragma once
// The pairs of a query, one after the other; nothing is decoded.

#include <algorithm>
#include <optional>
#include <string_view>

namespace shoal::limiter {

struct query_pair {
    std::string_view name;
    /// Empty as well when there is no '='.
    std::string_view value;
};

/// Takes the next pair off the front of `rest`; empty ones ("a=1&&b=2") are passed over.
[[nodiscard]] inline std::optional<query_pair> next_pair(std::string_view& rest)
{
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        return query_pair{pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))};
    }
    return std::nullopt;
}

}  // namespace shoal::limiter
