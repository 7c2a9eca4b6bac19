#include "services/cache/handlers/gate.hpp"

#include <utility>

#include "services/cache/coherence.hpp"
#include "services/cache/handlers/serve.hpp"
#include "services/cache/handlers/trouble.hpp"
#include "services/cache/site/forward.hpp"
#include "services/cache/site/key.hpp"

namespace shoal::cache {
namespace {

using protocol::reuse;

protocol::cache_status hit_status(answered how)
{
    return {.hit = true, .detail = how == answered::stale ? "stale" : ""};
}

}  // namespace

http::streamed_reply gate::handle(http::request& from, http::exchange& to)
{
    if (auto wrong = locate(from)) return std::move(*wrong);
    auto& what = scratch_;
    if (what.method == "PURGE") return purge_one(what.owned_copy(), to);
    std::optional<coherence::write_token> after;
    if (auto wrong = read_after(what, after)) return std::move(*wrong);
    // What a body of GET means, nobody knows (RFC 9110, 9.3.1).
    if (!what.cacheable || to.has_body()) return pass(what.owned_copy(), to);
    if (after && !is_purged(what, *after)) return visit_after(what.owned_copy(), *std::move(after), to);
    what.after_write = after.has_value();
    return proceed(what, to);
}

http::streamed_reply gate::proceed(ask& what, http::exchange& to)
{
    auto seen = look_up(what, what.received);
    if (seen.answer) return std::move(*seen.answer);
    if (what.view.directives.only_if_cached) {
        what.at->instruments().count(answered::error);
        return refused(504, "nothing is stored that may be used, and the request asks for no more");
    }
    // Its answer has no body to keep.
    if (what.view.method == protocol::method_kind::head && !seen.stale) return pass(what.owned_copy(), to);
    return visit(what.owned_copy(), to);
}

/// Fills scratch_, or says why it can't.
std::optional<http::response> gate::locate(const http::request& from)
{
    auto& what = scratch_;
    what.fields.clear();
    for (const auto& one : from.headers) what.fields.push_back({one.name_text, one.value});
    if (loops(what.fields)) return refused(508, "the request has been through this cache before (CDN-Loop)");
    what.over = scheme_of(what.fields);
    const auto host = host_name::parse(from.find(http::field::host).value_or(""), what.over);
    if (!host) return refused(400, "Host is not a name that a site can have");
    what.at = engine_.sites->of_host(host->name());
    if (!what.at) return refused(421, "no site of this cache has that host");
    what.host = *host;
    what.method = from.method_text;
    what.target = from.target;
    what.received = from.received;
    what.deadline = from.deadline.value_or(boot_time::max());
    what.after_write = false;
    what.by = &make_key(what.key, what.at->of(), what.over, what.host, from.target);
    what.read();
    return std::nullopt;
}

gate::sight gate::look_up(ask& what, boot_time now)
{
    if (!view_for(what).current(now)) return {};
    auto found = engine_.l1.find(what.key, what);
    if (!found) return {look_up_part(what, now), nullptr};
    const auto how_it_stands = standing_for(what, *found);
    if (how_it_stands == standing::purged) return {std::nullopt, std::move(found)};
    const auto verdict = protocol::judge({.use = found->use(),
                                          .age = found->age(now),
                                          .wishes = what.view.directives,
                                          .softly_purged = how_it_stands == standing::softly_purged});
    if (verdict == reuse::validate) return {std::nullopt, std::move(found)};
    const auto how = verdict == reuse::fresh ? answered::l1 : answered::stale;
    if (verdict == reuse::stale_while_revalidating && !engine_.under_way.last(what.key))
        (void)start(what, found, false);
    what.at->instruments().count(how);
    return {serve(found, what, now, hit_status(how)), nullptr};
}

site_view gate::view_for(const ask& what) const noexcept
{
    const auto all = engine_.view_of(what.at->of());
    return what.write_not_purged ? all.without_lease() : all;
}

/// What the log says of something stored, to this request.
standing gate::standing_for(const ask& what, const stored& of) const
{
    const auto found = engine_.log.judge(of.since(), of.tags());
    return what.after_write && found == standing::softly_purged ? standing::purged : found;
}

/// From pieces that range requests left.
std::optional<http::prepared> gate::look_up_part(ask& what, boot_time now)
{
    if (what.view.range.empty()) return std::nullopt;
    const auto found = engine_.l1.find_partial(what.key, what);
    if (!found) return std::nullopt;
    const auto& head = *found->head();
    const auto how_it_stands = standing_for(what, head);
    if (how_it_stands == standing::purged) return std::nullopt;
    const auto verdict = protocol::judge({.use = head.use(),
                                          .age = head.age(now),
                                          .wishes = what.view.directives,
                                          .softly_purged = how_it_stands == standing::softly_purged});
    if (verdict != reuse::fresh) return std::nullopt;
    auto made = serve_part(found, what, now, hit_status(answered::l1));
    if (made) what.at->instruments().count(answered::l1);
    return made;
}

}  // namespace shoal::cache
