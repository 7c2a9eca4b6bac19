// The exchange with the origin: what it is asked, and its answer as it comes in.

#include <array>
#include <utility>

#include "services/cache/coherence.hpp"
#include "services/cache/handlers/fetch.hpp"
#include "services/cache/handlers/serve.hpp"
#include "services/cache/protocol/conditional.hpp"
#include "services/cache/site/forward.hpp"
#include "services/cache/site/key.hpp"

namespace shoal::cache {

namespace asio = boost::asio;

origin::outgoing fetch::request() const
{
    std::vector<field_view> conditions;
    if (validates_) conditions = protocol::validation_fields(validators_of(*validates_), only_strong_);
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
                              .replace = conditions,
                              .drop = how_.part ? std::span{conditional}.first(2) : std::span{conditional}},
                             what_.at->of());
    made.idempotent = true;
    return made;
}

asio::awaitable<void> fetch::from_origin()
{
    if (validates_) only_strong_ = standing_for_validation() == standing::purged;
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
    fields_ = fields_of(from.headers());
    if (from.status() == 304 && validates_) {
        if (renewed()) co_return;
        validates_.reset();
        got = std::unique_ptr<origin::answer>{};
        co_return co_await from_origin();
    }
    if (protocol::is_failure(from.status()) && validates_ && may_serve_instead(*validates_)) {
        into_->fail(make_error_code(errc::origin_error_status));
        co_return;
    }
    co_await receive(from);
}

/// Of what is stale, when the origin's answer is a failure (RFC 5861, 4).
bool fetch::may_serve_instead(const stored& kept) const
{
    const auto stands = with_.log.judge(kept.since(), kept.tags());
    return may_serve_stale(with_.view_of(what_.at->of()), received_, stands) &&
           protocol::judge({.use = kept.use(),
                            .age = kept.age(received_),
                            .softly_purged = stands == standing::softly_purged,
                            .origin_failed = true}) == protocol::reuse::stale;
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
        const bool wanted = co_await into_->add(std::move(*piece));
        if (!wanted && !(lead_ && lead_->followed())) {
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
    with_.filling += into_->held() - counted_;
    counted_ = into_->held();
    const bool too_large = into_->received() > what_.at->of().max_object;
    if (!too_large && with_.filling <= with_.l1.budget() / 4) return;
    into_->stop_keeping();
    with_.filling -= std::exchange(counted_, 0);
    note(too_large ? "too-large" : "no-room");
    if (too_large) with_.not_cached.mark(what_.key, boot_clock::now() + uncacheable_for);
}

void fetch::finish(origin::answer& from)
{
    if (!into_->keeping() || !decided_.allowed) {
        if (lead_) lead_->end(std::string{from.trailers()});
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
