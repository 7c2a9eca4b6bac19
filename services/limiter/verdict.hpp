#pragma once
// What a client is told about its key: the JSON body and the header fields. Pure.

#include <cstdint>
#include <string>

#include "services/limiter/rule.hpp"

namespace shoal::limiter {

struct verdict {
    bool allowed = false;
    std::int64_t limit = 0;
    std::int64_t remaining = 0;
    std::int64_t reset_ms = 0;
    std::int64_t retry_after_ms = 0;
};

/// `made` was decided at `now_us` by `judged`, which is `by.decide` unless a newer version of the rule exists.
/// Times are rounded up: a client that waits that long finds what it was told.
[[nodiscard]] verdict verdict_of(const rule& by, const rate& judged, const decision& made, std::int64_t cost,
                                 std::int64_t now_us) noexcept;

/// {"allowed":…,"limit":…,"remaining":…,"reset_ms":…,"retry_after_ms":…}
[[nodiscard]] std::string to_json(const verdict& from);

/// Value of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10): "demo";q=10;w=60. The window is in
/// seconds, at least 1.
[[nodiscard]] std::string policy_field(const rule& from);

/// Value of RateLimit: "demo";r=3;t=30.
[[nodiscard]] std::string limit_field(const rule& by, const verdict& from);

/// Value of Retry-After: whole seconds, rounded up.
[[nodiscard]] std::string retry_after_field(const verdict& from);

}  // namespace shoal::limiter
