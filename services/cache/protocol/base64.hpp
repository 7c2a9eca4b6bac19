#pragma once
// Base64 (RFC 4648, 4), as structured fields have it.

#include <optional>
#include <string>
#include <string_view>

namespace shoal::cache::protocol {

/// Padding may be missing, and unused bits set: RFC 9651, 4.2.7 asks parsers to bear both.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);
[[nodiscard]] std::string encode_base64(std::string_view data);

}  // namespace shoal::cache::protocol
