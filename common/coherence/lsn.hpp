#pragma once
// Positions in PostgreSQL's log, and their text (PostgreSQL's documentation, 8.20).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::coherence {

/// A position in PostgreSQL's log, in bytes.
using lsn = std::uint64_t;

/// "16/B374D848".
[[nodiscard]] std::string format_lsn(lsn position);

/// Two hexadecimal numbers of at most 32 bits, in either case; nothing else around them.
[[nodiscard]] std::optional<lsn> parse_lsn(std::string_view text) noexcept;

}  // namespace shoal::coherence
