// What the head of an origin's answer decides: whether it is stored, for how long, who may have it.

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "services/cache/coherence/fills.hpp"
#include "services/cache/coherence/tags.hpp"
#include "services/cache/handlers/fetch.hpp"
#include "services/cache/handlers/serve.hpp"
#include "services/cache/protocol/conditional.hpp"
#include "services/cache/protocol/head.hpp"
#include "services/cache/protocol/invalidation.hpp"
#include "services/cache/site/purge_request.hpp"

namespace shoal::cache {
namespace {

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

/// Decides what may be done with what comes, and says so to whoever waits.
void fetch::begin(const origin::answer& from)
{
    const auto when = times();
    decide(from.status(), when);
    const bool too_large = from.length().value_or(0) > what_.at->of().max_object;
    const bool shared = !too_large && is_reusable(from.status());
    if (!decided_.allowed || too_large) into_->stop_keeping();
    filled_head head;
    head.status = from.status();
    head.lines = protocol::header_lines(
        fields_, {.received = when.received, .length = std::nullopt, .withheld = {}, .hidden = what_.at->hidden()});
    head.length = from.length();
    head.age = protocol::initial_age(fields_, when);
    head.shared = shared;
    head.reason = too_large ? "too-large" : decided_.reason;
    head.kept = parts_;
    tell_others(head);
    into_->begin(std::move(head));
}

void fetch::decide(unsigned status, const protocol::exchange_times& when)
{
    decided_ = protocol::decide_storing(what_.view, status, fields_, what_.by->policy, when);
    const auto keys = protocol::read_keys(fields_);
    if (keys.too_many) {
        with_.on.log.warning("a response has more surrogate keys than are kept; it is not stored",
                             {{"key", what_.key}});
        decided_.allowed = false;
        decided_.reason = "too-many-keys";
    }
    if (!decided_.allowed) return;
    const auto& site = what_.at->of();
    parts_.key = what_.key;
    parts_.vary = decided_.vary;
    if (!parts_.vary.empty()) parts_.variant = what_.of(parts_.vary);
    parts_.status = status;
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

/// Whether requests that wait may have it: a part, or what is validated each time, is for the one who asked.
bool fetch::is_reusable(unsigned status) const noexcept
{
    return decided_.allowed && status != 206 && decided_.withheld.empty() && !decided_.use.always_validate &&
           decided_.use.fresh_for > decided_.use.initial_age;
}

/// Other workers, and those who ask for the same later.
void fetch::tell_others(const filled_head& head)
{
    if (head.shared) {
        with_.not_cached.unmark(what_.key);
        if (lead_)
            lead_->begin(
                {.kept = stored::make(with_head(head.status, {})), .lines = head.lines, .length = head.length});
        return;
    }
    if (!decided_.only_this && head.status != 206) {
        with_.not_cached.mark(what_.key, received_ + uncacheable_for);
        if (lead_) lead_->uncacheable(uncacheable_for);
    }
    lead_.reset();
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

/// Of a 304. False when it is not about what was asked.
bool fetch::renewed()
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
    if (decided.allowed) {
        parts.vary = decided.vary;
        parts.variant = parts.vary.empty() ? std::string{} : std::string{what_.of(parts.vary)};
    }
    auto made = stored::make(parts);
    if (decided.allowed && decided.withheld.empty()) {
        if (!with_.l1.replace(made, validates_->fill())) with_.l1.insert(made);
        if (made->vary() == validates_->vary())
            with_.l2.update(made, validates_->fill());
        else
            with_.l2.put(made);
    } else {
        if (!decided.only_this) with_.l1.erase(*validates_);
        into_->mark_personal();
    }
    if (lead_) lead_->end({});
    into_->complete(std::move(made), answered::revalidated);
    return true;
}

protocol::exchange_times fetch::times() const
{
    return {.received = std::chrono::floor<std::chrono::seconds>(wall_clock::now()),
            .delay = std::chrono::floor<std::chrono::seconds>(received_ - sent_).count()};
}

}  // namespace shoal::cache
