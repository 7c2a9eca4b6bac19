#include "services/cache/protocol/hop_by_hop.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "common/core/ascii.hpp"

namespace shoal::cache::protocol {
namespace {

constexpr std::array<std::string_view, 11> own{
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
};

/// Whoever takes one of these off a message makes it mean something else.
constexpr std::array<std::string_view, 13> needed{
    "host",       "age",    "date",          "cache-control", "expires",           "vary", "etag", "cookie",
    "set-cookie", "pragma", "authorization", "range",         "cdn-cache-control",
};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) noexcept
{
    return std::ranges::any_of(names, [name](std::string_view one) { return iequals(one, name); });
}

bool is_needed(std::string_view name) noexcept
{
    return is_one_of(needed, name) || iequals(name.substr(0, 8), "content-");
}

}  // namespace

bool is_hop_by_hop(std::string_view name) noexcept
{
    return is_one_of(own, name);
}

hop_by_hop::hop_by_hop(field_span fields)
{
    list_members members{fields, "connection"};
    while (const auto name = members.next()) {
        if (!is_hop_by_hop(*name) && !iequals(*name, "close") && !is_needed(*name)) nominated_.push_back(lower(*name));
    }
    std::ranges::sort(nominated_);
}

bool hop_by_hop::covers(std::string_view name) const
{
    if (is_hop_by_hop(name)) return true;
    return !nominated_.empty() && std::ranges::binary_search(nominated_, lower(name));
}

}  // namespace shoal::cache::protocol
