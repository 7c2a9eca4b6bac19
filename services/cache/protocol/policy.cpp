#include "services/cache/protocol/policy.hpp"

#include <algorithm>
#include <array>

#include "services/cache/protocol/cache_control.hpp"
#include "services/cache/protocol/conditional.hpp"
#include "services/cache/protocol/http_date.hpp"
#include "services/cache/protocol/vary.hpp"

namespace shoal::cache::protocol {
namespace {

constexpr std::int64_t longest_heuristic = 86'400;

/// What the origin says, of whichever field counts.
struct statement {
    response_directives directives;
    /// By a targeted field: Cache-Control and Expires don't count (RFC 9213, 2.2).
    bool targeted = false;

    [[nodiscard]] bool is_for_all() const noexcept { return directives.is_public || directives.s_maxage.has_value(); }
    [[nodiscard]] bool forbids_stale() const noexcept
    {
        return directives.must_revalidate || directives.proxy_revalidate || directives.s_maxage.has_value();
    }
};

statement read_statement(field_span fields, const site_policy& site)
{
    for (const auto& target : site.targets) {
        if (auto targeted = read_targeted_directives(fields, target)) return {std::move(*targeted), true};
    }
    return {read_response_directives(fields), false};
}

std::chrono::sys_seconds date_of(field_span fields, std::chrono::sys_seconds received) noexcept
{
    return parse_http_date(find(fields, "date").value_or(""), received).value_or(received);
}

/// Seconds that the response itself gives (RFC 9111, 4.2.1); nothing when it gives none.
std::optional<std::int64_t> explicit_freshness(const statement& said, field_span fields,
                                               std::chrono::sys_seconds received) noexcept
{
    if (said.directives.s_maxage) return said.directives.s_maxage;
    if (said.directives.max_age) return said.directives.max_age;
    const auto expires = find(fields, "expires");
    if (said.targeted || !expires) return std::nullopt;
    const auto when = parse_http_date(*expires, received);
    if (!when) return 0;
    return std::max<std::int64_t>(0, (*when - date_of(fields, received)).count());
}

bool is_negative(unsigned status) noexcept
{
    return status == 404 || status == 405 || status == 410 || status == 414 || status >= 500;
}

/// What is assumed where the response gives nothing: the operator's word, then a guess where it is allowed.
std::optional<std::int64_t> assumed_freshness(unsigned status, const statement& said, field_span fields,
                                              const site_policy& site, std::chrono::sys_seconds received) noexcept
{
    const bool storable = is_heuristically_cacheable(status) || said.directives.is_public;
    if (is_negative(status) && site.negative_ttl > 0) return site.negative_ttl;
    if (!is_negative(status) && site.default_ttl > 0 && (storable || status == 302 || status == 307)) {
        return site.default_ttl;
    }
    const auto modified = parse_http_date(find(fields, "last-modified").value_or(""), received);
    if (!site.heuristics || !storable || !modified) return std::nullopt;
    const std::int64_t unchanged_for = (date_of(fields, received) - *modified).count();
    return std::clamp<std::int64_t>(unchanged_for / 10, 0, longest_heuristic);
}

lifetime lifetime_of(unsigned status, const statement& said, field_span fields, const site_policy& site,
                     const exchange_times& times) noexcept
{
    const response_directives& directives = said.directives;
    lifetime made;
    made.initial_age = initial_age(fields, times);
    auto seconds = explicit_freshness(said, fields, times.received);
    if (!seconds) seconds = assumed_freshness(status, said, fields, site, times.received);
    made.fresh_for = site.ttl && status < 400 ? made.initial_age + *site.ttl : seconds.value_or(0);
    made.always_validate = directives.no_cache;
    made.must_revalidate = said.forbids_stale();
    if (made.must_revalidate || made.always_validate) return made;
    const bool ever_fresh = made.fresh_for > 0;
    made.stale_while_revalidate =
        directives.stale_while_revalidate.value_or(ever_fresh ? site.stale_while_revalidate : 0);
    made.stale_if_error = directives.stale_if_error.value_or(ever_fresh ? site.stale_if_error : 0);
    return made;
}

/// A status whose meaning this cache knows as far as storing goes (RFC 9111, 3: must-understand).
bool is_understood(unsigned status) noexcept
{
    constexpr std::array<unsigned, 14> others{302, 303, 307, 400, 401, 403, 416, 418, 421, 429, 451, 500, 502, 503};
    return is_heuristically_cacheable(status) || std::ranges::find(others, status) != others.end() || status == 504;
}

/// Statuses that say something about one request only: what another one with the same URL would get is not known.
bool is_about_request(unsigned status) noexcept
{
    constexpr std::array<unsigned, 12> statuses{304, 407, 408, 411, 412, 413, 416, 417, 421, 425, 426, 431};
    return status < 200 || std::ranges::find(statuses, status) != statuses.end();
}

/// Why the answer to this request must not be stored, though another one's may be (RFC 9111, 3 and 3.5).
std::string_view obstacle_of_request(const request_view& asked, const statement& said, const site_policy& site) noexcept
{
    if (asked.method != method_kind::get) return "method";
    if (asked.directives.no_store || asked.only_for_origin) return "request";
    if (asked.has_authorization && !said.is_for_all() && !said.directives.must_revalidate) return "authorization";
    if (site.guard_cookies && asked.has_cookie && !said.is_for_all()) return "cookie";
    return {};
}

/// Why no response like this must be stored (RFC 9111, 3).
std::string_view obstacle_of_response(unsigned status, const statement& said, field_span fields,
                                      const site_policy& site) noexcept
{
    const response_directives& directives = said.directives;
    const bool partial = status == 206;
    if (partial && !is_strong(find(fields, "etag").value_or(""))) return "status";
    if (directives.must_understand ? !is_understood(status) : directives.no_store) return "no-store";
    if (directives.is_private) return "private";
    const bool keeps_cookie = has(fields, "set-cookie") && std::ranges::count(directives.withheld, "set-cookie") == 0;
    if (keeps_cookie && !site.store_set_cookie && !said.is_for_all()) return "set-cookie";
    return {};
}

bool has_validator(field_span fields) noexcept
{
    return is_etag(find(fields, "etag").value_or("")) || has(fields, "last-modified");
}

/// A stored response that is never fresh is of use where it can be validated, or shown when the origin fails.
bool is_of_use(const lifetime& use, unsigned status, field_span fields) noexcept
{
    const std::int64_t served_for = use.fresh_for + std::max(use.stale_while_revalidate, use.stale_if_error);
    return (!use.always_validate && use.initial_age < served_for) || (status < 400 && has_validator(fields));
}

}  // namespace

std::int64_t initial_age(field_span fields, const exchange_times& times) noexcept
{
    list_members ages{fields, "age"};
    const std::int64_t age_value = delta_seconds(ages.next().value_or("")).value_or(0);
    const std::int64_t apparent_age = (times.received - date_of(fields, times.received)).count();
    return std::max({std::int64_t{0}, apparent_age, age_value + times.delay});
}

storing decide_storing(const request_view& asked, unsigned status, field_span fields, const site_policy& site,
                       const exchange_times& times)
{
    storing made;
    const statement said = read_statement(fields, site);
    made.reason = is_about_request(status) ? "status" : obstacle_of_request(asked, said, site);
    made.only_this = !made.reason.empty();
    if (made.reason.empty()) made.reason = obstacle_of_response(status, said, fields, site);
    if (!made.reason.empty()) return made;
    made.withheld = said.directives.withheld;
    auto vary = vary_names(fields);
    if (!vary) {
        made.reason = "vary";
        return made;
    }
    made.vary = std::move(*vary);
    made.use = lifetime_of(status, said, fields, site, times);
    made.allowed = is_of_use(made.use, status, fields);
    if (!made.allowed) made.reason = "no-freshness";
    return made;
}

storing decide_update(const request_view& asked, unsigned stored_status, field_span merged, field_span newer,
                      const site_policy& site, const exchange_times& times)
{
    storing made = decide_storing(asked, stored_status, merged, site, times);
    // The stored head has no Age: the newer answer's counts.
    const std::int64_t age = initial_age(newer, times);
    if (site.ttl) made.use.fresh_for += age - made.use.initial_age;
    made.use.initial_age = age;
    return made;
}

reuse judge(const reuse_question& of) noexcept
{
    const lifetime& use = of.use;
    const request_directives& wishes = of.wishes;
    if (use.always_validate) return reuse::validate;
    const bool fresh = of.age < use.fresh_for && !of.softly_purged;
    const bool fresh_enough = !wishes.no_cache && (!wishes.max_age || of.age <= *wishes.max_age) &&
                              (!wishes.min_fresh || use.fresh_for - of.age >= *wishes.min_fresh);
    if (fresh && fresh_enough) return reuse::fresh;
    // When a soft purge came is not known: what it made stale is served for no longer than without it.
    const std::int64_t staleness = std::max<std::int64_t>(0, of.age - use.fresh_for);
    if (of.origin_failed && (fresh || (!use.must_revalidate && staleness < use.stale_if_error))) return reuse::stale;
    if (fresh || use.must_revalidate || wishes.no_cache) return reuse::validate;
    if (!of.softly_purged && wishes.max_stale && staleness <= *wishes.max_stale) return reuse::stale;
    if (fresh_enough && staleness < use.stale_while_revalidate) return reuse::stale_while_revalidating;
    return reuse::validate;
}

bool is_failure(unsigned status) noexcept
{
    return status == 500 || (status >= 502 && status <= 504);
}

bool is_heuristically_cacheable(unsigned status) noexcept
{
    constexpr std::array<unsigned, 12> statuses{200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501};
    return std::ranges::find(statuses, status) != statuses.end();
}

bool is_personal(const request_view& asked, const site_policy& site) noexcept
{
    return asked.has_authorization || (site.guard_cookies && asked.has_cookie);
}

}  // namespace shoal::cache::protocol
