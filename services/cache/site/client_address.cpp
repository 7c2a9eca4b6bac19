#include "services/cache/site/client_address.hpp"

#include <algorithm>

namespace shoal::cache {

std::vector<std::string_view> forwarded_addresses(std::span<const field_view> fields)
{
    std::vector<std::string_view> addresses;
    protocol::list_members members{fields, "X-Forwarded-For"};
    while (const auto member = members.next()) {
        if (parse_address(*member))
            addresses.push_back(*member);
        else
            addresses.clear();
    }
    return addresses;
}

std::string_view client_address(std::span<const std::string_view> addresses,
                                std::span<const listed_block> proxies) noexcept
{
    if (addresses.empty()) return {};
    const auto found = std::find_if(addresses.rbegin(), addresses.rend(),
                                    [proxies](std::string_view one) { return !is_listed(one, proxies); });
    return found == addresses.rend() ? addresses.front() : *found;
}

}  // namespace shoal::cache
