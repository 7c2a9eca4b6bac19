#include "services/views/query/pairs.hpp"

#include <algorithm>

namespace shoal::views {

std::optional<query_pair> next_pair(std::string_view& rest) noexcept
{
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        return query_pair{pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))};
    }
    return std::nullopt;
}

}  // namespace shoal::views
