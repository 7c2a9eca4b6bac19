#pragma once
// Text that comes from outside: percent-encoding (RFC 3986, 2.1) and UTF-8 (RFC 3629).

#include <optional>
#include <string>
#include <string_view>

namespace shoal {

/// Decodes every %XX; a '+' stays a '+'. Nothing when a '%' is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// A value as an item of a list: space, comma, '%', control characters and DEL as %XX with capital digits; every other
/// byte as it is.
void append_item(std::string& to, std::string_view value);

/// What append_item() encodes, but for '%'.
[[nodiscard]] constexpr bool separates_items(char c) noexcept
{
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == ',';
}

/// Well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace shoal
