#pragma once
// Variants of one URL (RFC 9111, 4.1).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {

/// More names than this in one Vary count as `*`.
inline constexpr std::size_t most_vary_names = 16;

/// The names of all Vary lines: lower case, sorted, each once. Nothing for `*` and for what is no list of names: such a
/// response matches no request.
[[nodiscard]] std::optional<std::vector<std::string>> vary_names(field_span fields);

/// The request's values of `names` (sorted, lower case) in one text: equal texts are requests that match. Lines of one
/// name are joined, spaces around commas taken off; Accept-Encoding and Accept-Language lose case and the order of
/// unequal weights. Absent and empty differ.
[[nodiscard]] std::string variant_key(field_span request_fields, const std::vector<std::string>& names);

}  // namespace shoal::cache::protocol
