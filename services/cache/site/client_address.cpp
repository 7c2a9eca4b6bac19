#include "services/cache/site/client_address.hpp"

#include <algorithm>

namespace shoal::cache {

forwarded_chain read_forwarded(std::span<const field_view> fields)
{
    forwarded_chain chain;
    protocol::list_members members{fields, "X-Forwarded-For"};
    while (const auto member = members.next()) {
        if (parse_address(*member))
            chain.addresses.push_back(*member);
        else
            chain = {.addresses = {}, .cut = true};
    }
    return chain;
}

std::string_view client_address(const forwarded_chain& chain, std::span<const listed_block> proxies) noexcept
{
    const auto& addresses = chain.addresses;
    const auto found = std::find_if(addresses.rbegin(), addresses.rend(),
                                    [proxies](std::string_view one) { return !is_listed(one, proxies); });
    if (found != addresses.rend()) return *found;
    return chain.cut || addresses.empty() ? std::string_view{} : addresses.front();
}

}  // namespace shoal::cache
