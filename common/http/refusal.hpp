#pragma once
// Why a request is not served.

#include <string_view>

namespace shoal::http {

/// Both views have static storage.
struct refusal {
    unsigned status;
    /// Label of shoal_http_rejected_total.
    std::string_view reason;
    /// For the client: what is wrong.
    std::string_view detail;
};

[[nodiscard]] constexpr refusal malformed(std::string_view detail) noexcept
{
    return {400, "malformed", detail};
}

}  // namespace shoal::http
