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

/// Of preferences, whose weights a variant has in thousandths; a list of them ends with a comma.
std::string with_weights(std::string_view value)
{
    constexpr std::string_view mark{";q="};
    std::string made;
    while (!value.empty()) {
        const auto one = take(value, ',');
        const auto at = one.find(mark);
        if (!made.empty()) made.push_back(',');
        made.append(one.substr(0, at));
        if (at == std::string_view::npos) continue;
        const auto thousandths = one.substr(at + mark.size());
        made.append(";q=0.").append(3 - std::min<std::size_t>(thousandths.size(), 3), '0').append(thousandths);
    }
    return made;
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
        const bool weighted = name == "accept-encoding" || name == "accept-language";
        found.emplace_back(name, weighted ? with_weights(value) : std::string{value});
    }
    return found;
}

}  // namespace shoal::cache
