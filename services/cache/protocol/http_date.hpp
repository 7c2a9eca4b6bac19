#pragma once
// Dates of header fields (RFC 9110, 5.6.7).

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace shoal::cache::protocol {

/// IMF-fixdate, RFC 850 and asctime(), names in any case; the day of the week is not compared with the date. `now` says
/// which century a year of two digits is of: none more than 50 years ahead.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text,
                                                                      std::chrono::sys_seconds now) noexcept;

/// "Sun, 06 Nov 1994 08:49:37 GMT"
struct date_text {
    std::array<char, 29> characters;
    [[nodiscard]] std::string_view view() const noexcept { return {characters.data(), characters.size()}; }
};

/// Of years 0 to 9999.
[[nodiscard]] date_text format_http_date(std::chrono::sys_seconds when) noexcept;

}  // namespace shoal::cache::protocol
