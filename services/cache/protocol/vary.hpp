#pragma once
// Variants of one URL (RFC 9111, 4.1).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {

/// More names than this in one Vary count as `*`.
inline constexpr std::size_t most_vary_names = 16;

/// The names of all Vary lines: lower case, sorted, each once, joined by commas; empty without. Nothing for `*`, for
/// what is no list of names, and for too many: such a response matches no request.
[[nodiscard]] std::optional<std::string> vary_names(field_span fields);

/// The request's values of `names` (as vary_names() has them) in one text: equal texts are requests that match. Lines
/// of one name are joined, spaces around commas taken off; Accept-Encoding and Accept-Language lose their case, and the
/// order of languages and codings of different weights. Absent and empty differ. A field of `folded` takes the place of
/// all of its name: what the site's rules make of it.
[[nodiscard]] std::string variant_key(field_span request_fields, std::string_view names, field_span folded = {});

}  // namespace shoal::cache::protocol
