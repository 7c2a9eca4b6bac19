#include "common/http/target.hpp"

#include <algorithm>

#include "common/core/ascii.hpp"

namespace shoal::http {
namespace {

constexpr std::string_view not_understood{"the request target must be a path, or an absolute http or https URI"};

/// What follows "http://" or "https://".
std::optional<std::string_view> after_scheme(std::string_view target) noexcept
{
    for (const std::string_view scheme : {"http://", "https://"})
        if (iequals(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
    return std::nullopt;
}

std::optional<refusal> reduce_absolute(request& of, std::string& storage)
{
    const auto rest = after_scheme(of.target);
    if (!rest) return malformed(not_understood);
    const auto end = std::min(rest->find_first_of("/?"), rest->size());
    const auto authority = rest->substr(0, end);
    if (authority.empty() || !is_authority(authority)) return malformed(not_understood);
    for (auto& one : of.headers)
        if (one.name == field::host) one.value = authority;
    of.target = rest->substr(end);
    if (of.target.starts_with('/')) return std::nullopt;
    storage = '/';
    storage += of.target;
    of.target = storage;
    return std::nullopt;
}

}  // namespace

bool is_authority(std::string_view text) noexcept
{
    return std::ranges::all_of(text, [](char c) {
        return is_visible(c) && std::string_view{"/\\?#@,\"<>"}.find(c) == std::string_view::npos;
    });
}

std::optional<refusal> reduce_target(request& of, std::string& storage)
{
    if (of.method == verb::connect) return refusal{501, "malformed", "CONNECT is not served here"};
    if (of.target == "*" && of.method == verb::options) {
        of.path = of.target;
        return std::nullopt;
    }
    if (of.target.find('#') != std::string_view::npos)
        return malformed("the request target has a fragment, which is not sent in HTTP");
    if (!of.target.starts_with('/'))
        if (const auto refused = reduce_absolute(of, storage)) return refused;
    const auto mark = of.target.find('?');
    of.path = of.target.substr(0, mark);
    if (mark != std::string_view::npos) of.query = of.target.substr(mark + 1);
    return std::nullopt;
}

}  // namespace shoal::http
