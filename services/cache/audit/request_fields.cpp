#include "services/cache/audit/request_fields.hpp"

#include <algorithm>

namespace shoal::cache {
namespace {

/// What stands before the next `end`, which goes with it.
std::string_view take(std::string_view& from, char end)
{
    const auto size = std::min(from.find(end), from.size());
    const auto taken = from.substr(0, size);
    from.remove_prefix(std::min(size + 1, from.size()));
    return taken;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> request_fields(std::string_view vary, std::string_view variant)
{
    std::vector<std::pair<std::string, std::string>> found;
    while (!vary.empty()) {
        const auto name = take(vary, ',');
        auto value = take(variant, '\n');
        if (!value.starts_with('\x01')) continue;
        value.remove_prefix(1);
        // A list of preferences ends with a comma.
        if (value.ends_with(',')) value.remove_suffix(1);
        found.emplace_back(name, value);
    }
    return found;
}

}  // namespace shoal::cache
