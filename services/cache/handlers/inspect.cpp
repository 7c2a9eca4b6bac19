#include "services/cache/handlers/inspect.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/core/text.hpp"
#include "services/cache/protocol/policy.hpp"
#include "services/cache/site/purge_request.hpp"

namespace shoal::cache {
namespace {

using nlohmann::json;

const char* name_of(standing of) noexcept
{
    switch (of) {
    case standing::current: return "current";
    case standing::softly_purged: return "softly_purged";
    case standing::purged: return "purged";
    }
    return "";
}

/// Text may be any bytes: JSON takes UTF-8.
std::string shown(std::string_view text)
{
    return is_utf8(text) ? std::string{text} : "not UTF-8";
}

json lines_of(std::string_view text)
{
    auto list = json::array();
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        list.push_back(shown(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return list;
}

json show(const stored& of, standing stands, boot_time now)
{
    const auto age = of.age(now);
    return {{"vary", shown(of.vary())},
            {"variant", shown(of.variant())},
            {"status", of.status()},
            {"age_s", age},
            {"fresh_for_s", of.use().fresh_for},
            {"expires_in_s", of.use().fresh_for - age},
            {"stale_while_revalidate_s", of.use().stale_while_revalidate},
            {"stale_if_error_s", of.use().stale_if_error},
            {"always_validate", of.use().always_validate},
            {"etag", shown(of.etag())},
            {"tags", lines_of(of.tag_texts())},
            {"standing", name_of(stands)},
            {"stored_at", wall_clock::to_time_t(of.wall_received())},
            {"body_bytes", of.body_length()},
            {"bytes", of.footprint()},
            {"epoch", of.since().epoch},
            {"sequence", of.since().sequence}};
}

/// By the `detail` that Cache-Status has; what can be done about it first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> reasons{{
    {"cookie",
     "the request had a Cookie, and the answer is not marked for all: public or s-maxage in its Cache-Control "
     "does, or \"cookies\": \"ignore\" in a rule of the site"},
    {"authorization",
     "the request had Authorization, and the answer is not marked for all: public, s-maxage or "
     "must-revalidate in its Cache-Control does"},
    {"set-cookie", "the answer sets a cookie, and is not marked for all: public or s-maxage in its Cache-Control does"},
    {"request", "the request asked for no-store, or for a precondition (If-Match) that only the origin can judge"},
    {"no-store", "the answer says no-store"},
    {"private", "the answer says private"},
    {"no-freshness",
     "the answer says neither for how long it may be used (Cache-Control: max-age) nor how to validate "
     "it (ETag, Last-Modified); \"default_ttl\" of the site or of a rule does"},
    {"vary", "the answer depends on more than can be known: Vary has a *, or too many names"},
    {"status", "the answer's status is about one request only, or it is a part without a strong ETag"},
    {"too-large", "the answer is larger than the site's \"max_object\""},
    {"too-many-keys", "the answer has more surrogate keys than are kept"},
    {"no-room", "too much was on its way at the same time for the worker's \"memory\""},
}};

std::string told(const last_reasons::seen& what, boot_time now)
{
    const auto* const found = std::ranges::find(reasons, what.reason, [](const auto& one) { return one.first; });
    const auto ago = std::chrono::duration_cast<std::chrono::seconds>(now - what.at).count();
    return fmt::format("the last answer, {} s ago, was not stored: {}", std::max<std::int64_t>(0, ago),
                       found != reasons.end() ? found->second : what.reason);
}

/// What keeps requests away from what is stored, whatever the origin says.
std::string_view rule_against(const rule& by)
{
    if (by.pass) return "a rule of the site passes this path to the origin: nothing of it is cached";
    if (!by.get) return "a rule of the site caches no GET of this path";
    return {};
}

std::string why_not_here(const rule& by, const std::optional<last_reasons::seen>& last, bool uncacheable, boot_time now)
{
    if (const auto text = rule_against(by); !text.empty()) return std::string{text};
    if (last) return told(*last, now);
    if (uncacheable) return "the last answer could not be stored: see detail in its Cache-Status";
    std::string made{"not in this worker's memory"};
    if (by.cookies == cookie_mode::bypass)
        made.append("; by a rule of the site requests with a Cookie go to the origin and store nothing");
    return made;
}

std::string_view why_here(const json& variants)
{
    if (std::ranges::all_of(variants, [](const json& one) { return one["standing"] == "purged"; }))
        return "purged: fetched anew before it is served";
    for (const auto& one : variants)
        if (one["standing"] == "current" && one["expires_in_s"] > 0 && one["always_validate"] == false)
            return "fresh: served from memory";
    return "kept, but not fresh: validated before it is served, unless it may be served stale";
}

}  // namespace

std::vector<http::route> inspection::routes()
{
    return {{http::verb::get, "/-/cache/inspect", "inspect", [this](http::request& from) { return inspect(from); }}};
}

http::reply inspection::inspect(const http::request& from) const
{
    constexpr std::string_view parameter{"url="};
    if (!from.query.starts_with(parameter))
        return http::problem(400, "say which: /-/cache/inspect?url=URL, percent-encoded");
    const auto url = percent_decode(from.query.substr(parameter.size()));
    if (!url) return http::problem(400, "the URL is not percent-encoded");
    const auto place = place_of(*url, engine_.sites->of().sites);
    if (!place) return http::problem(place.error().status, place.error().detail);

    const auto now = boot_clock::now();
    auto variants = json::array();
    for (const auto& one : engine_.l1.variants(place->key))
        variants.push_back(show(*one, engine_.log.judge(one->since(), one->tags()), now));
    const bool leased = engine_.log.current(now);
    const bool relayed = !leased || engine_.view_of(*place->of).current(now);
    const bool uncacheable = engine_.not_cached.marked(place->key, now);
    const auto last = engine_.not_stored.of(place->key);
    const bool here = !variants.empty() && !uncacheable && rule_against(*place->by).empty();
    const std::string why = !leased    ? "the worker has no lease on the purge log: it serves from the origin"
                            : !relayed ? "no relay has said within `relay_within` that everything is purged"
                            : here     ? std::string{why_here(variants)}
                                       : why_not_here(*place->by, last, uncacheable, now);
    json answer{
        {"key", shown(place->key)}, {"site", place->of->name},        {"found", !variants.empty()}, {"why", why},
        {"lease", leased},          {"variants", std::move(variants)}};
    if (last) answer["not_stored"] = last->reason;
    return http::response{200}.body("application/json", answer.dump());
}

}  // namespace shoal::cache
