// A request that memory does not answer: it waits for a fill, its own or another's, and streams from it.

#include <utility>

#include "common/core/ascii.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/coherence.hpp"
#include "services/cache/handlers/fetch.hpp"
#include "services/cache/handlers/gate.hpp"
#include "services/cache/handlers/serve.hpp"
#include "services/cache/handlers/trouble.hpp"
#include "services/cache/protocol/head.hpp"
#include "services/cache/protocol/range.hpp"

namespace shoal::cache {
namespace {

namespace asio = boost::asio;
using phase = fill::phase;

/// After so many answers that were not for it, a request fetches for itself.
constexpr int most_fills = 3;

protocol::cache_status told(const ask& what, const fill& from, bool leads)
{
    protocol::cache_status made;
    made.forward = from.why();
    if (from.how() == answered::l2) made = {.hit = true, .detail = "l2"};
    if (from.how() == answered::stale) made = {.hit = true, .detail = "stale"};
    // Of a forward request, not of a lookup (RFC 9211, 2.6).
    made.collapsed = !made.hit && (!leads || from.followed());
    made.stored = !from.older() && from.keeping();
    if (const auto& kept = from.head().kept; !kept.key.empty()) made.ttl = kept.use.fresh_for - from.head().age;
    if (from.how() == answered::revalidated) made.forward_status = 304;
    if (!from.head().reason.empty()) made.detail = from.head().reason;
    if (!what.passed_for.empty()) {
        made.forward = protocol::forward_reason::bypass;
        made.detail = what.passed_for;
    }
    return made;
}

answered counted_as(const fill& from, bool leads)
{
    if (from.how() == answered::l2 || from.how() == answered::stale) return from.how();
    if (!leads || from.followed()) return answered::collapsed;
    return from.how();
}

bool is_late(const ask& what)
{
    return what.deadline != boot_time::max() && boot_clock::now() >= what.deadline;
}

/// One range that is not the whole: worth asking the origin for just that.
bool asks_for_part(std::string_view range)
{
    const auto parsed = protocol::parse_range(range);
    return parsed && parsed->size() == 1 && (parsed->front().first != 0 || parsed->front().last);
}

/// Of a head, what a streamed answer takes: neither the status line nor Content-Length.
std::string lines_for_stream(std::string_view head)
{
    std::string lines;
    for (const auto& one : protocol::lines_of(head))
        if (!iequals(one.name, "Content-Length")) lines.append(one.name).append(": ").append(one.value).append("\r\n");
    return lines;
}

/// The bytes of a fill that go to one client.
struct slice {
    std::uint64_t first = 0;
    std::uint64_t last = UINT64_MAX;
    std::uint64_t at = 0;

    [[nodiscard]] bool past() const noexcept { return at > last; }
    [[nodiscard]] shared_bytes take(shared_bytes piece)
    {
        const auto begin = at;
        const auto end = at + piece.view.size();
        at = end;
        if (end <= first || begin > last) return {};
        const auto from = first > begin ? first - begin : 0;
        const auto to = last < end - 1 ? last + 1 - begin : piece.view.size();
        piece.view = piece.view.substr(from, to - from);
        return piece;
    }
};

}  // namespace

asio::awaitable<void> gate::visit(ask what, http::exchange& to)
{
    bool alone = engine_.not_cached.marked(what.key, what.received);
    for (int attempt = 0;; ++attempt) {
        auto seen = look_up(what, boot_clock::now());
        if (seen.answer) co_return to.answer(std::move(*seen.answer));
        if (is_late(what)) co_return fail(what, std::move(seen.stale), make_error_code(errc::origin_timeout), to);
        const auto at = take_seat(what, seen.stale, alone || attempt >= most_fills);
        const auto& from = *at.in;
        fill::reader reader{*at.in};
        std::size_t interims = 0;
        while (true) {
            if (at.leads)
                for (; interims < from.interims().size(); ++interims) {
                    const auto [status, lines] = from.interims()[interims];
                    if (!co_await to.interim(status, lines)) co_return;
                }
            if (from.current() != phase::asking) break;
            // The fill goes on: who asks again finds what it brought.
            if (is_late(what)) co_return fail(what, from.validates(), make_error_code(errc::origin_timeout), to);
            co_await at.in->changed(what.deadline);
        }
        if (from.current() == phase::failed && from.head().status == 0)
            co_return fail(what, from.validates(), from.error(), to);
        if (!is_for(what, at)) {
            alone = from.personal() || (from.head().status != 0 && !from.head().shared);
            continue;
        }
        what.at->instruments().count(counted_as(from, at.leads));
        const bool whole =
            from.current() == phase::complete && from.outcome() && (from.head().status == 0 || from.head().shared);
        if (whole) co_return to.answer(serve(from.outcome(), what, boot_clock::now(), told(what, from, at.leads)));
        co_return co_await stream(what, at, reader, to);
    }
}

gate::seat gate::take_seat(ask& what, const stored_ptr& stale, bool alone)
{
    if (!alone && (stale || !asks_for_part(what.view.range)))
        if (auto found = engine_.under_way.join(what, view_for(what), boot_clock::now()); found.in)
            return {std::move(found.in), found.ticket, false};
    return {start(what, stale, alone), {}, true};
}

fill_ptr gate::start(const ask& what, const stored_ptr& found, bool alone)
{
    const stored_ptr stale = found && is_too_soft(what, *found, engine_.log) ? nullptr : found;
    const bool leased = view_for(what).current(boot_clock::now());
    fill_ptr made{new fill{engine_.on.loop.get_executor(), what.key, stale, why_forwarded(stale)}};
    fetch::circumstances how;
    how.part = asks_for_part(what.view.range) && !stale;
    alone = alone || how.part;
    // Others would wait for what may turn out to be for one client.
    how.shared = !alone && leased && !protocol::is_personal(what.view, what.by->policy);
    if (!alone && what.write_not_purged)
        how.after = engine_.under_way.last_of_many(what.key);
    else if (!alone && !leased)
        how.after = engine_.under_way.last(what.key);
    if (!alone) engine_.under_way.add(made);
    auto asked = what.owned_copy();
    asked.view.method = protocol::method_kind::get;  // what is fetched for HEAD is the whole
    auto work = std::make_unique<fetch>(engine_, made, std::move(asked), std::move(how));
    engine_.on.tasks.spawn("cache fetch", fetch::run(std::move(work)));
    return made;
}

/// Why what memory has of it, or null, is not the answer (RFC 9211, 2.2).
protocol::forward_reason gate::why_forwarded(const stored_ptr& found) const
{
    using reason = protocol::forward_reason;
    if (!found) return reason::uri_miss;
    const auto stands = engine_.log.judge(found->since(), found->tags());
    if (stands == standing::purged) return reason::uri_miss;
    const bool fresh = stands == standing::current && !found->use().always_validate &&
                       found->age(boot_clock::now()) < found->use().fresh_for;
    return fresh ? reason::request : reason::stale;
}

/// What came may be given to this request, too.
bool gate::is_for(ask& what, const seat& at) const
{
    const auto& from = *at.in;
    const auto& made = from.outcome();
    if (made && from.older())
        return (at.leads || made->vary().empty() || what.of(made->vary()) == made->variant()) && may_have(what, *made);
    if (at.leads) return true;
    if (from.personal()) return false;
    if (what.write_not_purged && from.how() == answered::revalidated) return false;
    if (from.head().status != 0 && !from.head().shared) return false;
    const auto log = view_for(what);
    const auto fits = [&](std::string_view vary, std::string_view variant, std::span<const tag> tags) {
        if (!vary.empty() && what.of(vary) != variant) return false;
        if (from.older()) return log.current(boot_clock::now()) && log.judge(from.since(), tags) == standing::current;
        return follow_fill(log, from.since(), at.ticket, tags) == standing::current;
    };
    if (made) return fits(made->vary(), made->variant(), made->tags());
    const auto& kept = from.head().kept;
    return fits(kept.vary, kept.variant, kept.tags);
}

/// What was stored before anybody here asked for it: for each, by what it wishes, and after whatever it has waited for.
bool gate::may_have(const ask& what, const stored& kept) const
{
    const auto now = boot_clock::now();
    if (!view_for(what).current(now)) return false;
    const auto how_it_stands = standing_for(what, kept);
    return how_it_stands != standing::purged &&
           protocol::judge({.use = kept.use(),
                            .age = kept.age(now),
                            .wishes = what.view.directives,
                            .softly_purged = how_it_stands == standing::softly_purged}) != protocol::reuse::validate;
}

asio::awaitable<void> gate::stream(const ask& what, const seat& at, fill::reader& reader, http::exchange& to)
{
    const auto& from = *at.in;
    const auto& head = from.head();
    std::string lines = head.lines;
    auto status = head.status;
    auto length = head.length;
    slice part;
    if (!what.view.range.empty() && status == 200 && length && head.shared) {
        const protocol::validators known{.etag = head.kept.etag, .last_modified = head.kept.last_modified, .date = {}};
        const auto now = std::chrono::floor<std::chrono::seconds>(wall_clock::now());
        const auto resolved = protocol::resolve_range(what.view.range, *length);
        if (resolved.answer == protocol::range_answer::partial && resolved.parts.size() == 1 &&
            protocol::range_counts(what.view, known, now)) {
            const auto& wanted = resolved.parts.front();
            part = {.first = wanted.first, .last = wanted.last};
            lines = lines_for_stream(protocol::partial_head(
                "HTTP/1.1 200 OK\r\n" + lines, protocol::content_range(wanted, *length), {}, wanted.length()));
            status = 206;
            length = wanted.length();
        }
    }
    if (head.age > 0) lines.append(protocol::age_line{head.age}.view());
    lines.append(protocol::cache_status_line{told(what, from, at.leads)}.view());
    const http::streamed_head streamed{.status = status, .lines = lines, .length = length};
    if (!co_await to.begin(streamed)) co_return;
    while (true) {
        for (auto piece = reader.next(); !piece.view.empty(); piece = reader.next()) {
            auto wanted = part.take(std::move(piece));
            if (!wanted.view.empty() && !co_await to.write(std::move(wanted))) co_return;
        }
        if (reader.at_end() || part.past()) {
            (void)co_await to.end(from.trailers());
            co_return;
        }
        if (from.current() == phase::failed) co_return to.cut();
        co_await at.in->changed();
    }
}

void gate::fail(ask& what, stored_ptr stale, boost::system::error_code why, http::exchange& to)
{
    const auto now = boot_clock::now();
    auto found = engine_.l1.find(what.key, what);
    if (!found) found = std::move(stale);
    if (found) {
        const auto how_it_stands = standing_for(what, *found);
        if (may_serve_stale(view_for(what), now, how_it_stands) &&
            protocol::judge({.use = found->use(),
                             .age = found->age(now),
                             .wishes = what.view.directives,
                             .softly_purged = how_it_stands == standing::softly_purged,
                             .origin_failed = true}) != protocol::reuse::validate) {
            what.at->instruments().count(answered::stale);
            return to.answer(
                serve(found, what, now,
                      {.hit = true, .forward = protocol::forward_reason::stale, .detail = "origin-failed"}));
        }
    }
    what.at->instruments().count(answered::error);
    auto answer = error_answer(why);
    const auto reason = what.write_not_purged ? protocol::forward_reason::bypass : why_forwarded(found);
    const protocol::cache_status_line told{{.forward = reason, .detail = what.passed_for}};
    answer.add("Cache-Status", told.value());
    to.answer(std::move(answer));
}

}  // namespace shoal::cache
