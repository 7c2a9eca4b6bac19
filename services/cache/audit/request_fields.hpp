#pragma once
// The request that a stored answer was an answer to, as far as the answer depends on it.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shoal::cache {

/// Name and value of each field that the request of a variant had; `vary` and `variant` are those of a stored answer
/// (protocol/vary.hpp). What it makes of a text that no variant has, nothing matches.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> request_fields(std::string_view vary,
                                                                              std::string_view variant);

}  // namespace shoal::cache
