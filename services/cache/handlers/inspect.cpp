#include "services/cache/handlers/inspect.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

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

std::string_view why(const json& variants, bool leased, bool uncacheable)
{
    if (!leased) return "the worker has no lease on the purge log: it serves from the origin";
    if (uncacheable) return "the last answer could not be stored: see detail in its Cache-Status";
    if (variants.empty()) return "not in this worker's memory";
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
    const bool uncacheable = engine_.not_cached.marked(place->key, now);
    const json answer{{"key", shown(place->key)},
                      {"site", place->of->name},
                      {"found", !variants.empty()},
                      {"why", why(variants, leased, uncacheable)},
                      {"lease", leased},
                      {"variants", std::move(variants)}};
    return http::response{200}.body("application/json", answer.dump());
}

}  // namespace shoal::cache
