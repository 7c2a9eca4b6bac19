// A request that is for the origin alone: its answer is not stored, and may tell what stored ones it outdates.

#include <charconv>
#include <utility>

#include "common/runtime/beside.hpp"
#include "services/cache/coherence.hpp"
#include "services/cache/handlers/gate.hpp"
#include "services/cache/handlers/trouble.hpp"
#include "services/cache/protocol/cache_status.hpp"
#include "services/cache/protocol/head.hpp"
#include "services/cache/protocol/invalidation.hpp"
#include "services/cache/site/forward.hpp"
#include "services/cache/site/key.hpp"
#include "services/cache/site/purge_request.hpp"

namespace shoal::cache {
namespace {

namespace asio = boost::asio;
using protocol::method_kind;

bool is_idempotent(std::string_view method) noexcept
{
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE" ||
           method == "PROPFIND";
}

/// Of what the answer to an unsafe request outdates (RFC 9111, 4.4; RFC 9875).
std::vector<tag> outdated(const ask& by, unsigned status, protocol::field_span fields)
{
    std::vector<tag> tags;
    if (!protocol::invalidates(by.view.method, status)) return tags;
    const auto& site = by.at->of();
    tags.push_back(url_tag(site, by.key));
    std::string key;
    for (const auto& target : protocol::invalidated_targets(fields, by.host.text(), by.target)) {
        (void)make_key(key, site, by.over, by.host, target);
        tags.push_back(url_tag(site, key));
    }
    for (const auto& group : protocol::invalidated_groups(fields))
        tags.push_back(tag_of(tag_kind::group, site.name, group));
    return tags;
}

protocol::cache_status_line passed(const ask& what)
{
    const bool by_method = what.view.method != method_kind::get && what.view.method != method_kind::head;
    return protocol::cache_status_line{
        {.forward = by_method ? protocol::forward_reason::method : protocol::forward_reason::bypass,
         .detail = what.passed_for}};
}

/// OPTIONS that may go no further.
http::response answered_here(const ask& what)
{
    http::response made{204};
    made.add("Allow", "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE");
    made.add("Cache-Status", passed(what).value());
    return made;
}

asio::awaitable<void> relay(origin::answer& from, http::exchange& to)
{
    while (true) {
        auto piece = co_await from.read();
        if (!piece) co_return to.cut();
        if (piece->view.empty()) break;
        if (!co_await to.write(std::move(*piece))) co_return;
    }
    (void)co_await to.end(from.trailers());
}

/// To HEAD an origin may say the length that the body of GET has.
std::optional<std::uint64_t> said_length(protocol::field_span fields)
{
    const auto text = protocol::find(fields, "Content-Length").value_or("");
    std::uint64_t length = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return length;
}

}  // namespace

asio::awaitable<void> gate::pass(ask what, http::exchange& to)
{
    const auto hops = forwards_left(what.method, what.fields);
    if (hops == 0U) co_return to.answer(answered_here(what));
    const std::string fewer = std::to_string(hops.value_or(1) - 1);
    const field_view counted_down{"Max-Forwards", fewer};
    const outgoing_fields fields{what.method, what.fields, *what.by, false};
    origin::outgoing out;
    out.head = forward_head({.method = what.method,
                             .target = what.target,
                             .host = what.host.text(),
                             .over = what.over,
                             .received = what.fields,
                             .fields = fields.view(),
                             .replace = std::span{&counted_down, hops ? 1U : 0U},
                             .drop = {}},
                            what.at->of());
    out.head_method = what.view.method == method_kind::head;
    out.idempotent = is_idempotent(what.method);
    if (to.has_body()) {
        out.body = [&to] { return to.read(); };
        out.body_length = to.body_length();
    }
    out.on_interim = [&to](unsigned status, std::string_view lines) -> asio::awaitable<void> {
        (void)co_await to.interim(status, lines);
    };
    const auto sent = boot_clock::now();
    auto got = co_await what.at->servers().send(std::move(out), what.deadline);
    if (!got) {
        what.at->instruments().count(answered::error);
        const auto why = got.error();
        if (why == errc::connection_lost) co_return to.cut();
        // The session says what was wrong with the request's body.
        if (why == errc::malformed_body || why == errc::too_large || why == errc::deadline_exceeded) co_return;
        auto failed = error_answer(why);
        failed.add("Cache-Status", passed(what).value());
        co_return to.answer(std::move(failed));
    }
    what.at->instruments().fetched(boot_clock::now() - sent);
    what.at->instruments().count(answered::bypass);
    co_await hand_on(std::move(what), **got, to);
}

asio::awaitable<void> gate::hand_on(ask what, origin::answer& answer, http::exchange& to)
{
    const auto fields = fields_of(answer.headers());
    if (auto tags = outdated(what, answer.status(), fields); !tags.empty()) co_await purges_.follow(std::move(tags));
    auto lines =
        protocol::header_lines(fields, {.received = std::chrono::floor<std::chrono::seconds>(wall_clock::now()),
                                        .length = std::nullopt,
                                        .withheld = {},
                                        .hidden = what.at->hidden()});
    lines.append(passed(what).view());
    const auto length = what.view.method == method_kind::head ? said_length(fields) : answer.length();
    const http::streamed_head streamed{.status = answer.status(), .lines = lines, .length = length};
    if (!co_await to.begin(streamed)) co_return;
    if (answer.takes_rest()) co_return co_await runtime::beside(relay(answer, to), answer.send_rest());
    co_await relay(answer, to);
}

asio::awaitable<void> gate::purge_one(ask what, http::exchange& to)
{
    auto answer = http::problem(403,
                                "PURGE takes the token (Authorization: Bearer TOKEN), or an address that "
                                "services.cache.purge.allow lists");
    if (purges_.admits(what.fields)) {
        std::vector<tag> tags(1, url_tag(what.at->of(), what.key));
        answer = co_await purges_.answer(std::move(tags), false);
    }
    answer.add("Cache-Status", "shoal");
    to.answer(std::move(answer));
}

}  // namespace shoal::cache
