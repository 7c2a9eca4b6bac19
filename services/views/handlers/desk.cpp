#include "services/views/handlers/desk.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "common/coherence/fills.hpp"
#include "common/core/error.hpp"
#include "common/metrics/metrics.hpp"
#include "services/views/answer/body.hpp"
#include "services/views/handlers/conclusion.hpp"
#include "services/views/handlers/replies.hpp"

namespace shoal::views {
namespace {

namespace asio = boost::asio;

std::uint64_t drawn()
{
    std::random_device from;
    return (std::uint64_t{from()} << 32U) ^ from();
}

metrics::counter& counter_of(metrics::registry& in, const char* outcome)
{
    return in.add_counter("shoal_views_requests_total", "Questions for entries of views, by how they were answered.",
                          {{"outcome", outcome}});
}

boot_time deadline_of(const http::request& from)
{
    return from.deadline.value_or(boot_time::max());
}

}  // namespace

desk::counts::counts(metrics::registry& in)
    : hit{counter_of(in, "hit")},
      miss{counter_of(in, "miss")},
      collapsed{counter_of(in, "collapsed")},
      refused{counter_of(in, "refused")},
      unavailable{counter_of(in, "unavailable")}
{
}

desk::desk(const worker::context& from, const settings& chosen)
    : counts_{from.metrics},
      wait_{chosen.wait},
      log_{from},
      relied_{log_, chosen.relay_within},
      reader_{from.state},
      near_{chosen.memory, drawn()},
      flights_{from.loop}
{
    from.metrics.add_gauge("shoal_views_near_bytes", "What is kept of answers, with all it takes.", {},
                           [this] { return static_cast<double>(near_.bytes()); });
    from.metrics.add_gauge("shoal_views_near_answers", "Answers that are kept.", {},
                           [this] { return static_cast<double>(near_.size()); });
    from.metrics.add_gauge("shoal_views_attended", "1 while a relay says that the views are up to date.", {},
                           [this] { return relied_.current(boot_clock::now()) ? 1.0 : 0.0; });
    auto& evictions =
        from.metrics.add_counter("shoal_views_near_evictions_total", "Answers that made room for others.");
    near_.on_eviction([&evictions] { evictions.add(); });
    log_.start();
}

void desk::choose(const settings& chosen)
{
    near_.resize(chosen.memory);
    relied_.set_within(chosen.relay_within);
    wait_ = chosen.wait;
}

http::reply desk::ask(question asked, std::optional<coherence::write_token> after, http::request& from)
{
    if (after) return ask_after(std::move(asked), *std::move(after), from);
    if (const auto made = kept(asked, boot_clock::now())) {
        counts_.hit.add();
        return reply(*made, from, served::from_memory);
    }
    return ask_redis(std::move(asked), from.received, from);
}

asio::awaitable<http::response> desk::ask_after(question asked, coherence::write_token after, http::request& from)
{
    const auto began = boot_clock::now();
    const auto until = std::min(from.received + wait_, deadline_of(from));
    const bool reached = co_await log_.reach(coherence::effect::views, std::move(after), until);
    const auto now = boot_clock::now();
    from.add_timing("wait", now - began);
    if (!reached) co_return tell(refuse_write(), from, {});
    if (const auto made = kept(asked, now)) {
        counts_.hit.add();
        co_return reply(*made, from, served::from_memory);
    }
    // What was on its way before may be older than the write.
    co_return co_await ask_redis(std::move(asked), now, from);
}

/// What may be served of what is kept.
answer_ptr desk::kept(const question& asked, boot_time now)
{
    auto found = near_.find(asked.text);
    if (!found || !relied_.current(now)) return nullptr;
    if (relied_.judge(found->at(), found->tags()) == coherence::standing::current) return found;
    near_.erase(asked.text);
    return nullptr;
}

asio::awaitable<http::response> desk::ask_redis(question asked, boot_time began, http::request& from)
{
    const auto deadline = deadline_of(from);
    while (true) {
        const auto now = boot_clock::now();
        if (now >= deadline)
            co_return tell(refusal{504, "the request's deadline passed before Redis had answered"}, from, {});
        if (!relied_.current(now)) co_return tell(refuse_unattended(), from, {});
        const auto other = flights_.find(asked.text);
        const auto holder = other ? coherence::join_fill(relied_, now, began, other->sent()) : std::nullopt;
        if (!holder) co_return co_await fetch(asked, from);
        co_await other->wait(deadline);
        from.add_timing("redis", boot_clock::now() - now);
        if (!other->made()) continue;
        const auto stands = coherence::follow_fill(relied_, other->at(), *holder, tags_of(asked));
        if (stands == coherence::standing::current) co_return tell(*other->made(), from, served::with_another);
    }
}

asio::awaitable<http::response> desk::fetch(const question& asked, http::request& from)
{
    const auto at = relied_.position();
    const auto sent = boot_clock::now();
    const auto flown = flights_.begin(asked.text, sent, at);
    const auto found = co_await reader_.read(asked, at.epoch, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    if (found.has_error() && found.error() == errc::deadline_exceeded) co_return tell(refuse(found.error()), from, {});
    const auto made = found.has_error() ? parsed<answer_ptr>{refuse(found.error())} : conclude(asked, *found, at);
    flown->land(made);
    if (made.has_value() && relied_.judge(at, (*made)->tags()) == coherence::standing::current)
        near_.insert(asked.text, *made);
    co_return tell(made, from, served::from_redis);
}

http::response desk::tell(const parsed<answer_ptr>& made, const http::request& to, std::string_view served_how)
{
    if (made.has_error()) {
        (made.error().status >= 500 ? counts_.unavailable : counts_.refused).add();
        return reply(made.error());
    }
    (served_how == served::from_redis ? counts_.miss : counts_.collapsed).add();
    return reply(**made, to, served_how);
}

asio::awaitable<http::response> desk::list(http::request& from)
{
    const auto sent = boot_clock::now();
    const auto found = co_await reader_.list(log_.position().epoch, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    if (found.has_error()) co_return reply(refuse(found.error()));
    co_return http::response{200}
        .add("Cache-Control", "no-cache")
        .body("application/json", to_json(found->views) + '\n');
}

}  // namespace shoal::views
