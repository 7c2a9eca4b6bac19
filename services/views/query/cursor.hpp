#pragma once
// Where a page ends: the place of its last member, so that the next page begins there whatever came and went meanwhile.

#include <optional>
#include <string>
#include <string_view>

namespace shoal::views {

struct cursor {
    /// Zero in a set; never NaN.
    double score = 0;
    std::string member;

    friend bool operator==(const cursor&, const cursor&) = default;
};

/// Base64url without padding (RFC 4648, 5): safe in a query as it is.
[[nodiscard]] std::string to_text(const cursor& from);
/// Nothing for what to_text() never makes.
[[nodiscard]] std::optional<cursor> parse_cursor(std::string_view text);

}  // namespace shoal::views
