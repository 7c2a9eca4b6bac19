#pragma once
// Accept-Encoding and Accept-Language brought to the few values that make a difference to the origin: for the variant
// and for the request that is forwarded.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache {

/// Those of `offered` that the client accepts (RFC 9110, 12.5.3), in the order of `offered`: "br, gzip"; "identity"
/// when there is none, or no field. With "identity;q=0" where the client refuses that.
[[nodiscard]] std::string fold_encoding(std::span<const field_view> fields, const std::vector<std::string>& offered);

/// The one of `offered` that the client likes best (RFC 4647, 3.4 and 3.3.1), the first of them when it likes none.
[[nodiscard]] std::string fold_language(std::span<const field_view> fields, const std::vector<std::string>& offered);

}  // namespace shoal::cache
