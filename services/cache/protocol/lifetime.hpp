#pragma once
// How long a response may be used.

#include <cstdint>

namespace shoal::cache {

/// RFC 9111, 4.2; RFC 5861. Seconds.
struct lifetime {
    /// corrected_initial_age: of the moment when the response had been received.
    std::int64_t initial_age = 0;
    std::int64_t fresh_for = 0;
    std::int64_t stale_while_revalidate = 0;
    std::int64_t stale_if_error = 0;
    /// no-cache: never without validation.
    bool always_validate = false;
    /// must-revalidate, proxy-revalidate or s-maxage: never stale, whatever happens.
    bool must_revalidate = false;

    friend bool operator==(const lifetime&, const lifetime&) = default;
};

}  // namespace shoal::cache
