#include "services/cache/site/purge_access.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"

namespace shoal::cache {
namespace {

constexpr std::string_view scheme_name{"bearer "};

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept
{
    if (a.size() != b.size()) return false;
    // Volatile, so that no compiler stops at the first difference.
    volatile unsigned char difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference = static_cast<unsigned char>(difference | static_cast<unsigned char>(a[i] ^ b[i]));
    return difference == 0;
}

}  // namespace

bool purge_access::admits_token(std::string_view authorization) const noexcept
{
    if (token.empty() || !iequals(authorization.substr(0, scheme_name.size()), scheme_name)) return false;
    authorization.remove_prefix(scheme_name.size());
    authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
    return equal_in_constant_time(authorization, token);
}

bool purge_access::admits_address(std::string_view text) const noexcept
{
    return is_listed(text, allow);
}

}  // namespace shoal::cache
