#pragma once
// What a proxy asks at /v1/check. Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/limiter/parameters.hpp"

namespace shoal::limiter {

struct check_query {
    std::string_view rule;
    /// Without one the rule's key_headers make the key.
    std::optional<key_text> key;
    std::int64_t cost = 1;
    /// 403 for nginx' auth_request, which knows no other refusal; 429 for those that pass it on.
    unsigned refused = 403;
};

/// ?rule=R&key=K&cost=n&deny=403|429, each at most once. What begins with `path=` is the request that Envoy appends
/// and ends the query.
[[nodiscard]] parsed<check_query> read_check(std::string_view query);

/// Every value that the request has for a header.
using header_values = std::function<std::vector<std::string_view>(std::string_view name)>;

/// The values of `names`, joined with ','. A header that is missing or stands twice is a problem: what comes
/// behind the proxy may read the other one.
[[nodiscard]] parsed<key_text> key_of_headers(const std::vector<std::string>& names, const header_values& values_of);

}  // namespace shoal::limiter
