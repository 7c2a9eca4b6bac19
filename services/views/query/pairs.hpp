#pragma once
// The pairs of a query, one after the other; nothing is decoded.

#include <optional>
#include <string_view>

namespace shoal::views {

struct query_pair {
    std::string_view name;
    /// Empty as well when there is no '='.
    std::string_view value;
};

/// Takes the next pair off the front of `rest`; empty ones ("a=1&&b=2") are passed over.
[[nodiscard]] std::optional<query_pair> next_pair(std::string_view& rest) noexcept;

}  // namespace shoal::views
