// The rounds: each recomputes, in one snapshot, what all transactions changed that it sees, and writes it at once.

#include "services/relay/handlers/view_keeper.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;

constexpr auto idle_pause = 100ms;
constexpr auto sweep_pause = 5ms;
/// Somebody else's statement may be about to end.
constexpr auto lock_patience = 200ms;
constexpr auto count_interval = 1s;
/// What the snapshot sees comes by the stream within this, or the round goes on without it.
constexpr auto stream_patience = 300ms;

}  // namespace

boost::asio::awaitable<void> view_keeper::run()
{
    while (!host_.over()) {
        take_review();
        const bool any = wanted();
        if (any) co_await round();
        if (host_.over()) break;
        co_await tend();
        if (host_.over()) break;
        if (!any) co_await host_.wait_for_change(sweeps_ ? std::chrono::nanoseconds{sweep_pause} : idle_pause);
        // Not at once again, whatever changes; others are served meanwhile.
        const auto until = boot_clock::now() + (std::exchange(failed_, false) ? idle_pause : 0ms);
        while (!host_.over() && boot_clock::now() < until) co_await host_.wait_for_change(until - boot_clock::now());
    }
}

bool view_keeper::wanted() const noexcept
{
    const auto now = boot_clock::now();
    return lister_.wants_round() || host_.transactions().views_wanted() ||
           std::ranges::any_of(views_, [this, now](const kept& one) {
               return one.announced || may_list(one) || !one.doubted.empty() || !one.doubting.empty() ||
                      (one.now.at == views::state::failed && one.retry_at <= now);
           });
}

/// No other view is being listed.
bool view_keeper::may_list(const kept& which) const noexcept
{
    const auto listed = lister_.view();
    return which.wants_fill && (!listed || &views_[*listed] == &which);
}

boost::asio::awaitable<void> view_keeper::round()
{
    bool has_session = co_await open();
    if (has_session && !host_.over()) has_session = co_await look_at_queries();
    if (host_.over()) co_return;
    std::optional<sight> with;
    if (has_session) {
        look_at_listing();
        with = co_await begin();
    } else if (none_is_kept() && host_.seen() != nullptr) {
        with = *host_.seen();
    }
    if (host_.over()) co_return;
    bool whole = with.has_value();
    if (whole && has_session) co_await await_stream(*with);
    if (whole) whole = co_await keep(*with, has_session);
    writing_.clear();
    if (host_.over()) co_return;
    failed_ = !std::exchange(goes_without_, false) && !whole;
    if (!whole) host_.transactions().views_not_written();
}

/// Without a session no view is kept, and all are said to be unavailable: purges go on.
boost::asio::awaitable<bool> view_keeper::open()
{
    if (session_.open()) co_return true;
    const auto now = boot_clock::now();
    if (std::ranges::all_of(views_, [now](const kept& one) { return one.retry_at > now; })) co_return false;
    auto to = by_->database;
    to.application = "shoal " + on_.worker_name + " views";
    const auto connected = co_await session_.connect(to);
    if (connected) co_return true;
    const auto why = fmt::format("connecting to the database: {}",
                                 session_.why().empty() ? connected.error().message() : session_.why());
    session_.close();
    for (std::size_t i = 0; i < views_.size(); ++i)
        if (views_[i].retry_at != boot_time::max()) {
            views_[i].retry_pause = first_retry_pause;
            fail(i, why);
        }
    co_return false;
}

/// False when the session is gone.
boost::asio::awaitable<bool> view_keeper::look_at_queries()
{
    for (std::size_t i = 0; i < views_.size(); ++i) {
        auto& one = views_[i];
        if (one.shape || one.retry_at > boot_clock::now()) continue;
        if (one.now.at == views::state::failed) {
            auto why = co_await session_.refuse_lock(one.tables);
            if (host_.over()) co_return false;
            if (!why) {
                session_.close();
                co_return false;
            }
            if (!why->empty()) {
                fail(i, *std::move(why));
                continue;
            }
        }
        auto shape = co_await session_.shape(*one.of);
        if (!shape) {
            if (!refused(i, shape.error())) co_return false;
            continue;
        }
        one.shape = *std::move(shape);
        if (one.now.at == views::state::failed) void_view(one, views::state::filling, {});
    }
    co_return true;
}

/// What is to be listed next, and what has become of it.
void view_keeper::look_at_listing()
{
    if (const auto view = lister_.view()) {
        auto& one = views_[*view];
        const auto at = lister_.at();
        if (at == view_lister::outcome::refused) fail(*view, lister_.why());
        if (at == view_lister::outcome::lost) {
            on_.log.warning("the keys of a view are listed anew, as the connection was lost", {{"view", one.of->name}});
            one.wants_fill = true;
        }
        if (one.wants_fill) lister_.stop();
    }
    if (!lister_.view() && !views_.empty()) {
        const auto fits = [this](std::size_t i) {
            return views_[i].wants_fill && views_[i].shape && views_[i].now.at != views::state::failed;
        };
        std::size_t tried = 0;
        // In turn, as one may be void again and again.
        do listed_ = (listed_ + 1) % views_.size();
        while (!fits(listed_) && ++tried < views_.size());
        auto& next = views_[listed_];
        if (!fits(listed_)) return;
        next.wants_fill = false;
        lister_.begin({.view = listed_,
                       .of = next.of,
                       .generation = next.now.generation,
                       .fresh = next.fresh,
                       .tables = next.tables});
    }
    // Before the snapshot, which is later so.
    (void)lister_.next();
    listing_ends_ = lister_.complete();
}

/// Nothing where the round can't be; a view of which a table is locked is failed then.
boost::asio::awaitable<std::optional<sight>> view_keeper::begin()
{
    std::string tables;
    for (const auto& one : views_)
        if (one.now.at != views::state::failed) tables += (tables.empty() ? "" : ", ") + one.tables;
    const auto begun = co_await session_.begin(std::move(tables));
    if (begun) co_return *begun;
    if (!host_.over() && begun.error() == errc::database_refused) {
        const auto ended = co_await session_.end();
        if (ended && !host_.over()) co_await fail_locked();
    } else {
        session_.close();
    }
    co_return std::nullopt;
}

boost::asio::awaitable<void> view_keeper::fail_locked()
{
    for (std::size_t i = 0; i < views_.size(); ++i) {
        if (views_[i].now.at == views::state::failed) continue;
        auto why = co_await session_.refuse_lock(views_[i].tables, lock_patience);
        if (host_.over()) co_return;
        if (!why) co_return session_.close();
        if (!why->empty()) fail(i, *std::move(why));
    }
}

/// So that a snapshot's transactions are known, each of them whole, before its entries are written.
boost::asio::awaitable<void> view_keeper::await_stream(const sight& with)
{
    const auto until = boot_clock::now() + stream_patience;
    while (!host_.over() && host_.transactions().received() < with.flushed && boot_clock::now() < until)
        co_await host_.wait_for_change(10ms);
}

bool view_keeper::none_is_kept() const noexcept
{
    return std::ranges::all_of(views_, [](const kept& one) { return one.now.at == views::state::failed; });
}

/// What a view misses that has failed is in the listing that it begins anew with.
boost::asio::awaitable<bool> view_keeper::keep(const sight& with, bool has_session)
{
    const auto batch = host_.transactions().next_views(with.seen);
    dirty_views what{by_->views, rules_};
    for (const auto* marks : batch.marks)
        for (const auto& one : *marks) what.add(one);
    bool whole = true;
    if (has_session) {
        whole = co_await compute(what);
        if (host_.over()) co_return false;
        const auto ended = co_await session_.end();
        if (!ended) session_.close();
    }
    if (whole && !host_.over()) whole = co_await write(batch);
    co_return whole && !host_.over();
}

/// False when nothing may be written: a view has failed meanwhile, or the session is gone.
boost::asio::awaitable<bool> view_keeper::compute(dirty_views& what)
{
    for (std::size_t i = 0; i < views_.size(); ++i) {
        if (views_[i].now.at == views::state::failed) continue;
        if (what.at(i).everything) {
            void_view(views_[i], views::state::filling, {});
            continue;
        }
        if (lister_.view() == i) what.at(i).keys.insert(lister_.next().begin(), lister_.next().end());
        views_[i].doubting.merge(views_[i].doubted);
        what.at(i).keys.insert(views_[i].doubting.begin(), views_[i].doubting.end());
        const bool done = co_await recompute(i, what.at(i));
        if (!done || host_.over()) co_return false;
    }
    if (lister_.view() && listing_ends_) end_listing();
    co_return true;
}

/// All that was listed is in this round.
void view_keeper::end_listing()
{
    auto& one = views_[*lister_.view()];
    if (one.now.at == views::state::filling) {
        one.now.at = views::state::ready;
        one.announced = true;
    }
    one.fresh = false;
    one.retry_pause = first_retry_pause;
    on_.log.info("all of a view is there", {{"view", one.of->name}});
    lister_.stop();
}

boost::asio::awaitable<bool> view_keeper::write(const progress::views_batch& batch)
{
    announce();
    auto& of = host_.transactions();
    if (!writing_.empty()) {
        said_ = batch.viewed;
        const auto written = co_await log_.write(writing_, format_lsn(said_));
        if (!written) {
            host_.end(log_.fenced() ? "another relay has the slot"
                                    : "writing views to Redis: " + written.error().message());
            co_return false;
        }
        counts_.rounds.add();
        sweeps_ = true;
    }
    of.views_written();
    lister_.recomputed();
    for (auto& one : views_) {
        one.doubting.clear();
        one.losses = 0;
    }
    host_.changed();
    co_return true;
}

/// What has time, and comes in its turn however busy the rounds are.
boost::asio::awaitable<void> view_keeper::tend()
{
    const auto now = boot_clock::now();
    if (sweeps_ && swept_at_ + sweep_pause < now) {
        swept_at_ = now;
        const auto more = co_await log_.sweep();
        if (!more) co_return host_.end("writing to Redis: " + more.error().message());
        sweeps_ = *more;
    } else if (counted_at_ + count_interval < now) {
        counted_at_ = now;
        co_await count();
    }
}

boost::asio::awaitable<void> view_keeper::count()
{
    for (auto& one : views_) {
        const auto index = views::index_key(one.of->name, one.now.generation);
        const std::array<std::string_view, 2> command{"SCARD", index};
        const auto answer = co_await on_.state.command(command);
        if (answer.has_value() && answer.value().integer() != nullptr)
            one.entries = static_cast<std::uint64_t>(*answer.value().integer());
    }
}

}  // namespace shoal::relay
