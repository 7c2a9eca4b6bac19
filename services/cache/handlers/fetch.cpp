#include "services/cache/handlers/fetch.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "services/cache/coherence/fills.hpp"
#include "services/cache/coherence/tags.hpp"
#include "services/cache/handlers/serve.hpp"
#include "services/cache/protocol/conditional.hpp"
#include "services/cache/protocol/head.hpp"
#include "services/cache/protocol/invalidation.hpp"
#include "services/cache/site/forward.hpp"
#include "services/cache/site/key.hpp"
#include "services/cache/site/purge_request.hpp"

namespace shoal::cache {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// For how long nobody waits for a URL whose answer was not for all.
constexpr std::chrono::milliseconds uncacheable_for = 10s;
/// How long another worker's fill is waited for without a sign of it.
constexpr std::chrono::milliseconds patience = 10s;
/// How often a worker tries to get a turn before it fetches by itself.
constexpr int most_turns = 3;

std::vector<field_view> fields_of(const origin::answer& from)
{
    std::vector<field_view> fields;
    fields.reserve(from.headers().size());
    for (const auto& one : from.headers()) fields.push_back({one.name_text, one.value});
    return fields;
}

void add_tag(stored_parts& to, tag one)
{
    if (std::ranges::find(to.tags, one) == to.tags.end()) to.tags.push_back(one);
}

void add_keys(stored_parts& to, const std::string& site, const protocol::surrogate_keys& keys)
{
    for (const auto& key : keys.keys) add_tag(to, tag_of(tag_kind::surrogate, {}, key));
    for (const auto& group : keys.groups) add_tag(to, tag_of(tag_kind::group, site, group));
    for (const auto* texts : {&keys.keys, &keys.groups})
        for (const auto& text : *texts)
            if (std::ranges::find(to.tag_texts, text) == to.tag_texts.end()) to.tag_texts.push_back(text);
}

}  // namespace

fetch::fetch(engine& with, fill_ptr into, ask what, circumstances how)
    : with_{with}, into_{std::move(into)}, what_{std::move(what)}, how_{std::move(how)}, validates_{into_->validates()}
{
}

fetch::~fetch()
{
    with_.filling -= counted_;
    with_.under_way.remove(*into_);
    if (into_->current() == fill::phase::asking || into_->current() == fill::phase::flowing)
        into_->fail(make_error_code(errc::origin_lost));
}

asio::awaitable<void> fetch::run(std::unique_ptr<fetch> self)
{
    co_await self->go();
}

asio::awaitable<void> fetch::go()
{
    co_await wait_for_turn();
    bool over = false;
    if (how_.shared) over = co_await from_second_level();
    if (how_.shared && !over) over = co_await from_other_worker();
    if (!over) co_await from_origin();
}

asio::awaitable<void> fetch::wait_for_turn()
{
    while (how_.after != nullptr) {
        if (how_.after->current() != fill::phase::asking) break;
        co_await how_.after->changed();
    }
    how_.after.reset();
}

/// True when the fill has its response.
fetch::done fetch::from_second_level()
{
    auto found = co_await with_.l2.find(what_.key, what_);
    const auto now = boot_clock::now();
    if (!found || !with_.log.current(now)) co_return false;
    const auto how_it_stands = with_.log.judge(found->since(), found->tags());
    const bool good =
        protocol::judge(
            {.use = found->use(), .age = found->age(now), .softly_purged = how_it_stands == standing::softly_purged}) ==
        protocol::reuse::fresh;
    if (how_it_stands != standing::purged && good) {
        with_.l1.insert(found);
        into_->mark_older(found->since());
        into_->complete(std::move(found), answered::l2);
        co_return true;
    }
    if (!validates_ || validates_->wall_received() < found->wall_received()) validates_ = std::move(found);
    co_return false;
}

fetch::done fetch::from_other_worker()
{
    for (int turn = 0; turn < most_turns; ++turn) {
        auto claim = co_await with_.l2.acquire(what_.key);
        lead_ = std::move(claim.lead);
        if (claim.whose != second_level::turn::theirs) co_return false;
        if (co_await follow(*claim.follow)) co_return true;
        if (into_->current() != fill::phase::asking) co_return true;
        if (co_await from_second_level()) co_return true;
    }
    co_return false;
}

/// True when the fill is over; else the response has to come from somewhere else.
fetch::done fetch::follow(fill_follower& other)
{
    using step = fill_follower::step;
    while (true) {
        auto news = co_await other.next(boot_clock::now() + patience);
        switch (news.what) {
        case step::head:
            if (with_.log.judge(news.head->kept->since(), news.head->kept->tags()) != standing::current)
                co_return false;
            begin_followed(*news.head);
            break;
        case step::piece:
            parts_.body.push_back(news.piece);
            keep_less();
            if (!co_await into_->add(std::move(news.piece))) co_return true;
            break;
        case step::end: {
            stored_ptr kept;
            if (into_->keeping()) {
                kept = stored::make(parts_);
                with_.l1.insert(kept);
            }
            into_->complete(std::move(kept), answered::collapsed, std::move(news.trailers));
            co_return true;
        }
        case step::nobodys:
        case step::released:
        case step::lost:
        case step::waiting:
            if (into_->current() == fill::phase::flowing) into_->fail(make_error_code(errc::origin_lost));
            co_return into_->current() != fill::phase::asking;
        }
    }
}

void fetch::begin_followed(const shared_head& head)
{
    parts_ = head.kept->parts();
    parts_.received = boot_clock::now();
    into_->mark_older(head.kept->since());
    into_->begin(
        {.status = head.kept->status(), .lines = head.lines, .length = head.length, .shared = true, .kept = parts_});
}

origin::outgoing fetch::request() const
{
    std::string conditions;
    if (validates_) conditions = protocol::validation_lines(validators_of(*validates_), only_strong_);
    const auto replace = protocol::lines_of(conditions);
    static constexpr std::array<std::string_view, 4> conditional{"If-None-Match", "If-Modified-Since", "If-Range",
                                                                 "Range"};
    const outgoing_fields fields{what_.method, what_.fields, *what_.by, true};
    origin::outgoing made;
    made.head = forward_head({.method = "GET",
                              .target = target_of(what_.key),
                              .host = what_.host.text(),
                              .over = what_.over,
                              .received = what_.fields,
                              .fields = fields.view(),
                              .replace = replace,
                              .drop = how_.part ? std::span{conditional}.first(2) : std::span{conditional}},
                             what_.at->of());
    made.idempotent = true;
    return made;
}

asio::awaitable<void> fetch::from_origin()
{
    if (validates_) only_strong_ = with_.log.judge(validates_->since(), validates_->tags()) == standing::purged;
    auto out = request();
    out.on_interim = [this](unsigned status, std::string_view lines) -> asio::awaitable<void> {
        into_->interim(status, lines);
        co_return;
    };
    sent_ = boot_clock::now();
    into_->mark_sent(with_.log.position(), sent_);
    auto got = co_await what_.at->servers().send(std::move(out));
    received_ = boot_clock::now();
    if (!got) {
        into_->fail(got.error());
        co_return;
    }
    what_.at->instruments().fetched(received_ - sent_);
    auto& from = **got;
    fields_ = fields_of(from);
    if (from.status() == 304 && validates_) {
        if (renewed(from)) co_return;
        validates_.reset();
        got = std::unique_ptr<origin::answer>{};
        co_return co_await from_origin();
    }
    if (protocol::is_failure(from.status()) && validates_ &&
        may_serve_stale(with_.log, received_, with_.log.judge(validates_->since(), validates_->tags())) &&
        protocol::judge({.use = validates_->use(), .age = validates_->age(received_), .origin_failed = true}) ==
            protocol::reuse::stale) {
        into_->fail(make_error_code(errc::origin_error_status));
        co_return;
    }
    co_await receive(from);
}

protocol::exchange_times fetch::times() const
{
    return {.received = std::chrono::floor<std::chrono::seconds>(wall_clock::now()),
            .delay = std::chrono::floor<std::chrono::seconds>(received_ - sent_).count()};
}

bool fetch::renewed(origin::answer& from)
{
    const bool strong = protocol::is_strong(validates_->etag());
    if (!may_validate(with_.log, boot_clock::now(), with_.log.judge(validates_->since(), validates_->tags()), strong))
        return false;
    if (!protocol::confirms(fields_, validators_of(*validates_))) return false;
    const auto keys = protocol::read_keys(fields_);
    if (keys.too_many) return false;

    auto parts = validates_->parts();
    const auto when = times();
    parts.head = protocol::update_head(
        parts.head, fields_,
        {.received = when.received, .length = validates_->body_length(), .withheld = {}, .hidden = what_.at->hidden()});
    const auto merged = protocol::lines_of(parts.head);
    const auto decided = protocol::decide_update(what_.view, parts.status, merged, fields_, what_.by->policy, when);
    parts.use = decided.use;
    parts.etag = protocol::find(merged, "ETag").value_or("");
    parts.last_modified = protocol::find(merged, "Last-Modified").value_or("");
    parts.received = received_;
    parts.wall_received = wall_clock::now();
    parts.since = into_->since();
    parts.fill = with_.next_fill();
    add_keys(parts, what_.at->of().name, keys);
    auto made = stored::make(parts);
    if (!decided.allowed) {
        with_.l1.erase(*validates_);
    } else {
        if (!with_.l1.replace(made, validates_->fill())) with_.l1.insert(made);
        with_.l2.update(made, validates_->fill());
    }
    if (lead_) lead_->end({});
    (void)from;
    into_->complete(std::move(made), answered::revalidated);
    return true;
}

void fetch::begin(origin::answer& from)
{
    const auto when = times();
    const auto& site = what_.at->of();
    decided_ = protocol::decide_storing(what_.view, from.status(), fields_, what_.by->policy, when);
    const auto keys = protocol::read_keys(fields_);
    if (keys.too_many) {
        with_.on.log.warning("a response has more surrogate keys than are kept; it is not stored",
                             {{"key", what_.key}});
        decided_.allowed = false;
        decided_.reason = "too-many-keys";
    }
    const bool too_large = from.length().value_or(0) > site.max_object;
    const bool reusable = decided_.allowed && from.status() != 206 && !decided_.use.always_validate &&
                          decided_.withheld.empty() && (decided_.use.fresh_for > decided_.use.initial_age);

    filled_head head;
    head.status = from.status();
    head.length = from.length();
    const protocol::head_settings how{
        .received = when.received, .length = std::nullopt, .withheld = {}, .hidden = what_.at->hidden()};
    head.lines = protocol::header_lines(fields_, how);
    head.age = decided_.allowed ? decided_.use.initial_age : protocol::initial_age(fields_, when);
    head.shared = reusable && !too_large;
    head.reason = too_large ? "too-large" : decided_.reason;
    if (decided_.allowed) {
        parts_.key = what_.key;
        parts_.vary = decided_.vary;
        if (!parts_.vary.empty()) parts_.variant = what_.of(parts_.vary);
        parts_.status = from.status();
        parts_.etag = protocol::find(fields_, "ETag").value_or("");
        if (!protocol::is_etag(parts_.etag)) parts_.etag.clear();
        parts_.last_modified = protocol::find(fields_, "Last-Modified").value_or("");
        parts_.use = decided_.use;
        parts_.received = received_;
        parts_.wall_received = wall_clock::now();
        parts_.since = into_->since();
        parts_.tags = {url_tag(site, what_.key), tag_of(tag_kind::site, site.name, {}), tag_of(tag_kind::all, {}, {})};
        add_keys(parts_, site.name, keys);
        parts_.site = site.name;
        parts_.fill = with_.next_fill();
    }
    head.kept = parts_;
    if (!decided_.allowed || too_large) into_->stop_keeping();
    if (head.shared) {
        with_.not_cached.unmark(what_.key);
        if (lead_)
            lead_->begin(
                {.kept = stored::make(with_head(from.status(), {})), .lines = head.lines, .length = head.length});
    } else if (!decided_.only_this && from.status() != 206) {
        with_.not_cached.mark(what_.key, received_ + uncacheable_for);
        if (lead_) lead_->uncacheable(uncacheable_for);
        lead_.reset();
    }
    into_->begin(std::move(head));
}

/// What is to be stored, with the head that it will have.
stored_parts fetch::with_head(unsigned status, std::optional<std::uint64_t> length) const
{
    auto parts = parts_;
    parts.status = status;
    parts.head = protocol::build_head(status, fields_,
                                      {.received = std::chrono::floor<std::chrono::seconds>(parts.wall_received),
                                       .length = length,
                                       .withheld = decided_.withheld,
                                       .hidden = what_.at->hidden()});
    return parts;
}

asio::awaitable<void> fetch::receive(origin::answer& from)
{
    begin(from);
    while (true) {
        auto piece = co_await from.read();
        if (!piece) {
            into_->fail(piece.error());
            co_return;
        }
        if (piece->view.empty()) break;
        if (lead_) lead_->add(*piece);
        keep_less();
        if (!co_await into_->add(std::move(*piece))) {
            into_->fail(make_error_code(errc::connection_lost));
            co_return;
        }
    }
    finish(from);
}

/// Gives up keeping what is too large, for this site or for all that is on its way.
void fetch::keep_less()
{
    if (!into_->keeping()) return;
    const auto now = into_->received();
    with_.filling += now - counted_;
    counted_ = now;
    if (now <= what_.at->of().max_object && with_.filling <= with_.l1.budget() / 4) return;
    into_->stop_keeping();
    with_.not_cached.mark(what_.key, boot_clock::now() + uncacheable_for);
    parts_.body.clear();
}

void fetch::finish(origin::answer& from)
{
    if (!into_->keeping() || !decided_.allowed) {
        into_->complete(nullptr, answered::miss, std::string{from.trailers()});
        return;
    }
    if (from.status() == 206) {
        keep_part();
        into_->complete(nullptr, answered::miss, std::string{from.trailers()});
        return;
    }
    auto parts = with_head(from.status(), into_->received());
    parts.body.assign(into_->pieces().begin(), into_->pieces().end());
    auto made = stored::make(parts);
    if (with_.log.judge(made->since(), made->tags()) != standing::purged) {
        with_.l1.insert(made);
        with_.l2.put(made);
    }
    if (lead_) lead_->end(std::string{from.trailers()});
    into_->complete(std::move(made), answered::miss, std::string{from.trailers()});
}

}  // namespace shoal::cache
