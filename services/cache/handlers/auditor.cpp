#include "services/cache/handlers/auditor.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/core/text.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "services/cache/audit/request_fields.hpp"
#include "services/cache/protocol/fields.hpp"
#include "services/cache/protocol/policy.hpp"
#include "services/cache/site/forward.hpp"
#include "services/cache/site/key.hpp"
#include "services/cache/site/purge_request.hpp"

namespace shoal::cache {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Longer than a change takes to be purged while one thing fails (services/relay/README.md).
constexpr std::chrono::nanoseconds settles_within = 1s;
/// Beyond this many the sweep waits for the oldest.
constexpr std::size_t most_suspects = 64;
constexpr auto answer_patience = 5s;
constexpr std::chrono::nanoseconds idle_pause = 1s;
/// Responses that are passed over before others of the loop have their turn.
constexpr int most_at_once = 100;

likeness likeness_of(const stored& what)
{
    body_hash hash;
    for (const auto piece : what.body()) hash.add(piece);
    return {what.status(), strong_etag(what.etag()), hash.length(), hash.value()};
}

/// As a client would ask whose answer was stored, or nothing where that can't be made out any more.
std::optional<origin::outgoing> request_for(const stored& what, const site& at)
{
    const auto over = what.key().starts_with("https:") ? scheme::https : scheme::http;
    const auto host = host_name::parse(host_of(what.key()), over);
    if (!host) return std::nullopt;
    std::string key;
    const auto& by = make_key(key, at, over, *host, target_of(what.key()));
    const auto named = request_fields(what.vary(), what.variant());
    std::vector<field_view> fields;
    for (const auto& [name, value] : named) fields.push_back({name, value});
    const outgoing_fields sent{"GET", fields, by, true};
    if (key != what.key() || protocol::variant_key(sent.view(), what.vary()) != what.variant()) return std::nullopt;
    origin::outgoing made;
    made.head = forward_head({.method = "GET",
                              .target = target_of(what.key()),
                              .host = host->text(),
                              .over = over,
                              .received = fields,
                              .fields = sent.view(),
                              .replace = {},
                              .drop = {}},
                             at);
    made.idempotent = true;
    return made;
}

}  // namespace

auditor::auditor(engine& of)
    : engine_{of},
      sweep_seconds_{of.on.metrics.add_gauge("shoal_cache_audit_sweep_seconds",
                                             "How long it took to compare all that is in memory with the origins.")},
      pause_{of.on.loop}
{
}

void auditor::stop()
{
    stopping_ = true;
    pause_.cancel();
}

asio::awaitable<void> auditor::run()
{
    while (!stopping_) {
        const auto before = total_.samples;
        if (wanted()) co_await sweep();
        if (total_.samples == before) co_await pause(idle_pause);
    }
}

bool auditor::wanted() const noexcept
{
    return std::ranges::any_of(engine_.sites->of().sites.all(),
                               [](const site& one) { return one.audits_per_second.has_value(); });
}

asio::awaitable<void> auditor::sweep()
{
    const auto began = boot_clock::now();
    const auto before = total_.samples;
    memory::walk all{engine_.l1};
    int passed_over = 0;
    while (!stopping_) {
        auto step = all.next();
        if (!step) break;
        const auto* const named = step->what ? engine_.sites->of().sites.named(step->what->site()) : nullptr;
        const auto at = engine_.sites->live(named);
        if (!at || !at->of().audits_per_second || !servable(*step->what, *at)) {
            if (++passed_over % most_at_once == 0) co_await pause(1ms);
            continue;
        }
        const auto next = boot_clock::now() + std::chrono::nanoseconds{1s} / *at->of().audits_per_second;
        co_await sample(std::move(step->what), at);
        co_await look_again(boot_clock::now());
        co_await pause(next - boot_clock::now());
    }
    while (!stopping_ && !suspects_.empty()) co_await look_again(suspects_.front().due);
    if (stopping_) co_return;
    swept_in_ = boot_clock::now() - began;
    swept_ = total_.samples - before;
    sweep_seconds_.set(swept_in_->count());
}

asio::awaitable<void> auditor::sample(stored_ptr what, live_site_ptr at)
{
    const auto found = co_await ask_origin(what, at);
    if (!found) co_return;
    count("sampled", *at, &counts::samples);
    if (alike(likeness_of(*what), *found)) co_return;
    if (suspects_.size() >= most_suspects) co_await look_again(suspects_.front().due);
    suspects_.push_back({std::move(what), std::move(at), *found, boot_clock::now() + settles_within});
}

/// At those that are due by then; waits for that.
asio::awaitable<void> auditor::look_again(boot_time until)
{
    while (!stopping_ && !suspects_.empty() && suspects_.front().due <= until) {
        auto next = std::move(suspects_.front());
        suspects_.pop_front();
        co_await pause(next.due - boot_clock::now());
        co_await look_again(std::move(next));
    }
}

asio::awaitable<void> auditor::look_again(suspect of)
{
    if (stopping_ || !kept(*of.what) || !servable(*of.what, *of.at)) co_return;
    const auto again = co_await ask_origin(of.what, of.at);
    if (!again) co_return;
    switch (judge_again(likeness_of(*of.what), of.first, *again)) {
    case finding::consistent: co_return;
    case finding::changing: co_return count("changing", *of.at, &counts::changing);
    case finding::inconsistent: break;
    }
    // Not for a purge that came while the origin was asked.
    if (!kept(*of.what) || !servable(*of.what, *of.at)) co_return;
    co_await report(of);
}

asio::awaitable<void> auditor::report(const suspect& of)
{
    count("inconsistent", *of.at, &counts::inconsistent);
    last_url_ = of.what->key();
    last_at_ = wall_clock::now();
    engine_.on.log.error("what is kept is not what the origin answers, and nothing has purged it",
                         {{"site", of.at->of().name},
                          {"url", last_url_},
                          {"tags", of.what->tag_texts()},
                          {"age_s", of.what->age(boot_clock::now())}});
    coherence::purge wrong{.tags = {url_tag(of.at->of(), of.what->key())}, .soft = false};
    const auto done = co_await engine_.log.acknowledge(std::move(wrong));
    if (!done) engine_.on.log.warning("what is inconsistent could not be purged", {{"error", done.error().message()}});
}

/// Nothing where the origin fails, or can't be asked the same.
asio::awaitable<std::optional<likeness>> auditor::ask_origin(stored_ptr what, live_site_ptr at)
{
    auto asked = request_for(*what, at->of());
    if (!asked) co_return std::nullopt;
    const auto got = co_await at->servers().send(*std::move(asked), boot_clock::now() + answer_patience);
    bool failed = !got || !tells_of_content((*got)->status(), what->status());
    body_hash hash;
    while (!failed) {
        const auto piece = co_await (*got)->read();
        failed = !piece || hash.length() > at->of().max_object;
        if (failed || piece->view.empty()) break;
        hash.add(piece->view);
    }
    if (failed) {
        count("failed", *at, &counts::failed);
        co_return std::nullopt;
    }
    const auto fields = fields_of((*got)->headers());
    co_return likeness{(*got)->status(), strong_etag(protocol::find(fields, "ETag").value_or("")), hash.length(),
                       hash.value()};
}

/// To whoever would ask now.
bool auditor::servable(const stored& what, const live_site& at) const
{
    const auto now = boot_clock::now();
    return engine_.view_of(at.of()).current(now) && engine_.log.judge(what.since(), what.tags()) == standing::current &&
           !what.use().always_validate && what.age(now) < what.use().fresh_for;
}

/// It is the same fill still.
bool auditor::kept(const stored& what) const
{
    return std::ranges::any_of(engine_.l1.variants(what.key()),
                               [&](const stored_ptr& one) { return one->fill() == what.fill(); });
}

asio::awaitable<void> auditor::pause(std::chrono::nanoseconds time)
{
    if (stopping_ || time <= 0ns) co_return;
    pause_.expires_after(time);
    boost::system::error_code woken;
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

void auditor::count(const char* result, const live_site& at, std::uint64_t counts::*total)
{
    constexpr std::array all{"sampled", "changing", "failed", "inconsistent"};
    // All at once, so that none begins its life with what there is to alert.
    for (const auto* const each : all) {
        auto& counter = engine_.on.metrics.add_counter("shoal_cache_audits_total",
                                                       "Responses in memory that were compared with the origin's.",
                                                       {{"site", at.of().name}, {"result", each}});
        if (each == std::string_view{result}) counter.add();
    }
    ++(total_.*total);
}

http::route auditor::route()
{
    return {http::verb::get, "/-/cache/audit", "audit", [this](http::request&) { return shown(); }};
}

http::response auditor::shown() const
{
    nlohmann::json answer{
        {"wanted", wanted()},          {"samples", total_.samples}, {"inconsistent", total_.inconsistent},
        {"changing", total_.changing}, {"failed", total_.failed},   {"suspects", suspects_.size()}};
    if (swept_in_) answer["sweep"] = {{"seconds", swept_in_->count()}, {"samples", swept_}};
    if (!last_url_.empty())
        answer["last"] = {{"what", is_utf8(last_url_) ? last_url_ : "not UTF-8"},
                          {"at", wall_clock::to_time_t(last_at_)}};
    return http::response{200}.body("application/json", answer.dump());
}

}  // namespace shoal::cache
