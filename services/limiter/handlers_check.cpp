// What proxies ask: nginx' auth_request, Traefik's ForwardAuth, Envoy's ext_authz.

#include <utility>

#include "services/limiter/handlers.hpp"
#include "services/limiter/handlers_requests.hpp"

namespace shoal::limiter {
namespace {

statuses statuses_of(unsigned refused) noexcept
{
    // auth_request takes any 2xx for yes, 403 for no, and everything else for its own failure.
    if (refused == 403) return {.allowed = 204, .refused = 403, .unavailable = 403};
    return {};
}

}  // namespace

http::reply handlers::check(request& of)
{
    auto asked = read_check(of.query);
    if (asked.has_error()) return refuse(asked.error());
    const auto* const rule = book_->find(asked->rule);
    if (rule == nullptr) return refuse({404, "no such rule; GET /v1/limits lists the rules in force"});
    if (rule->by.kind == algorithm::concurrency)
        return refuse({409, "this rule counts slots, which a check can't release; use a rule of gcra or window"});
    if (const auto above = refuse_cost(asked->cost, rule->by.max_cost)) return refuse(*above);
    const auto values = [&of](std::string_view name) { return values_of(of, name); };
    auto key = asked->key ? parsed<key_text>{std::move(*asked->key)} : key_of_headers(rule->by.key_headers, values);
    if (key.has_error()) return refuse(key.error());
    return decide({.book = book_, .rule = rule, .key = std::move(*key), .cost = asked->cost},
                  statuses_of(asked->refused), of);
}

}  // namespace shoal::limiter
