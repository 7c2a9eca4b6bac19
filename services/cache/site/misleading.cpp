// The names that are not passed on to origins.

#include <algorithm>
#include <array>

#include "common/core/ascii.hpp"
#include "services/cache/site/forward.hpp"

namespace shoal::cache {
namespace {

/// Whatever begins so: where the client is, or what it asked for, as some proxy in front would have said it
/// (X-Forwarded-*, Envoy, IIS); what a server does with the answer (X-Accel-*, X-Sendfile-*); inner steps of a
/// framework (Next.js).
constexpr std::array<std::string_view, 13> families{
    "x-forwarded", "x-original-", "x-rewrite-", "x-override-", "x-proxy", "x-envoy-",      "x-arr-",
    "x-accel-",    "x-sendfile",  "x-invoke-",  "x-now-",      "x-http-", "x-middleware-",
};

constexpr std::array<std::string_view, 39> names{
    // The host and the scheme.
    "forwarded",
    "x-host",
    "x-backend-host",
    "x-scheme",
    "x-url-scheme",
    "x-protocol",
    "x-https",
    "x-ssl",
    "front-end-https",
    "cf-visitor",
    // The URL.
    "x-url",
    "x-uri",
    "x-path",
    "x-request-uri",
    "x-request-url",
    "request-uri",
    "base-url",
    "x-base-url",
    "http-url",
    "x-script-name",
    "script-name",
    "x-matched-path",
    // The method.
    "x-method",
    "x-method-override",
    // The client.
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-originating-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-remote-user",
    "remote-user",
    // What the server fetches or computes for it: HTTP_PROXY of CGI, a device's profile, ESI.
    "proxy",
    "x-wap-profile",
    "surrogate-capability",
};

bool starts_with(std::string_view name, std::string_view family) noexcept
{
    return iequals(name.substr(0, family.size()), family);
}

/// A POST is not stored, and forms of old browsers need it.
bool is_override_of_method(std::string_view name) noexcept
{
    return iequals(name, "x-http-method-override") || iequals(name, "x-http-method") || iequals(name, "x-method") ||
           iequals(name, "x-method-override");
}

}  // namespace

bool is_misleading(std::string_view name, std::string_view method) noexcept
{
    if (method == "POST" && is_override_of_method(name)) return false;
    return std::ranges::any_of(families, [name](auto family) { return starts_with(name, family); }) ||
           std::ranges::any_of(names, [name](auto one) { return iequals(one, name); });
}

}  // namespace shoal::cache
