// What the head of an origin's answer decides: whether it is stored, for how long, who may have it.

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "services/cache/coherence.hpp"
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
    note(head.reason);
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

/// For people who ask why.
void fetch::note(std::string_view reason)
{
    if (reason.empty())
        with_.not_stored.forget(what_.key);
    else
        with_.not_stored.note(what_.key, reason, received_);
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

/// A weak validator does not tell bytes from those before a write: not enough where clients read what they have
/// written.
standing fetch::standing_for_validation() const
{
    const auto found = with_.log.judge(validates_->since(), validates_->tags());
    const bool for_writers = found == standing::softly_purged && what_.at->of().read_your_writes.has_value();
    return for_writers ? standing::purged : found;
}

/// Of a 304. False when it is not about what was asked.
bool fetch::renewed()
{
    const bool strong = protocol::is_strong(validates_->etag());
    const auto log = with_.view_of(what_.at->of());
    if (!may_validate(log, boot_clock::now(), standing_for_validation(), strong)) return false;
    if (!protocol::confirms(fields_, validators_of(*validates_))) return false;
    const auto keys = protocol::read_keys(fields_);
    if (keys.too_many) return false;

    const auto when = times();
    protocol::head_settings how{
        .received = when.received, .length = std::nullopt, .withheld = {}, .hidden = what_.at->hidden()};
    auto head = protocol::update_head(validates_->head(), fields_, how);
    const auto merged = protocol::lines_of(head);
    const auto decided =
        protocol::decide_update(what_.view, validates_->status(), merged, fields_, what_.by->policy, when);
    auto parts = renewed_parts(decided, merged);
    add_keys(parts, what_.at->of().name, keys);
    if (!decided.withheld.empty()) {
        // It goes to the one who asked, and is not kept.
        how.withheld = decided.withheld;
        parts.head = protocol::update_head(validates_->head(), fields_, how);
        how.withheld = {};
        head = protocol::update_head(parts.head, fields_, how);
    } else {
        parts.head = head;
    }
    auto made = stored::make(parts);
    if (decided.allowed) {
        keep_renewed(made);
    } else if (!decided.only_this) {
        with_.l1.erase(*validates_);
        // So that nobody looks in the second level, which still has it.
        with_.not_cached.mark(what_.key, received_ + uncacheable_for);
    }
    if (!decided.allowed || head != made->head()) into_->mark_personal();
    if (head != made->head()) {
        parts.head = std::move(head);
        made = stored::make(parts);
    }
    if (lead_) lead_->end({});
    into_->complete(std::move(made), answered::revalidated);
    return true;
}

/// All but the head, of what a 304 makes of the stored response; `merged` has the fields of both.
stored_parts fetch::renewed_parts(const protocol::storing& decided, protocol::field_span merged)
{
    auto parts = validates_->parts();
    parts.use = decided.use;
    parts.etag = protocol::find(merged, "ETag").value_or("");
    parts.last_modified = protocol::find(merged, "Last-Modified").value_or("");
    parts.received = received_;
    parts.wall_received = wall_clock::now();
    parts.since = into_->since();
    parts.fill = with_.next_fill();
    if (!decided.allowed) return parts;
    parts.vary = decided.vary;
    parts.variant = parts.vary.empty() ? std::string{} : std::string{what_.of(parts.vary)};
    return parts;
}

void fetch::keep_renewed(const stored_ptr& kept)
{
    if (!with_.l1.replace(kept, validates_->fill())) with_.l1.insert(kept);
    if (kept->vary() == validates_->vary())
        with_.l2.update(kept, validates_->fill());
    else
        with_.l2.put(kept);
}

protocol::exchange_times fetch::times() const
{
    return {.received = std::chrono::floor<std::chrono::seconds>(wall_clock::now()),
            .delay = std::chrono::floor<std::chrono::seconds>(received_ - sent_).count()};
}

}  // namespace shoal::cache
