#pragma once
// Text that comes from outside: percent-encoding (RFC 3986, 2.1) and UTF-8 (RFC 3629).

#include <optional>
#include <string>
#include <string_view>

namespace shoal {

/// Decodes every %XX; a '+' stays a '+'. Nothing when a '%' is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace shoal
