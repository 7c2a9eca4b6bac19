// The rounds; what they recompute is in view_recompute.cpp.

#include "services/relay/handlers/view_keeper.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;

constexpr auto idle_pause = 100ms;
constexpr auto sweep_pause = 5ms;
/// After a query was refused again and again.
constexpr auto longest_retry_pause = 60s;
/// Others are computed with a view in one session: one that ends it so often is left out.
constexpr int most_losses = 3;
/// Somebody else's statement may be about to end.
constexpr auto lock_patience = 200ms;
constexpr std::string_view query_canceled = "57014";
constexpr auto count_interval = 1s;
/// What the snapshot sees comes by the stream within this, or the round goes on without it.
constexpr auto stream_patience = 300ms;

std::uint64_t fresh_generation(std::uint64_t last)
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto time = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    return std::max(static_cast<std::uint64_t>(time), last + 1);
}

}  // namespace

view_keeper::view_keeper(const worker::context& on, view_instruments& counts, view_host& host, relay_log& log,
                         std::shared_ptr<const settings> by, const view_rules& with)
    : on_{on},
      counts_{counts},
      host_{host},
      log_{log},
      by_{std::move(by)},
      rules_{with},
      session_{on.loop, by_->query_timeout},
      lister_{on, host, by_->database}
{
    // The first one is listed first.
    if (!by_->views.empty()) listed_ = by_->views.size() - 1;
    for (const auto& one : by_->views) {
        std::set<std::string> tables;
        for (const auto& source : one.changed_by) tables.insert(shown(source.table));
        views_.push_back(
            {.of = &one, .digest = view_digest(one), .tables = fmt::format("{}", fmt::join(tables, ", "))});
    }
}

void view_keeper::close() noexcept
{
    session_.close();
    lister_.close();
}

boost::asio::awaitable<result<void>> view_keeper::attach(bool goes_on, const std::vector<std::string>& unfit)
{
    auto known = co_await log_.views();
    if (!known) co_return known.error();
    for (std::size_t i = 0; i < views_.size(); ++i) {
        auto& one = views_[i];
        auto& before = (*known)[one.of->name];
        one.now = before.now.value_or(views::directory_entry{});
        one.now.generation = std::max(one.now.generation, before.generation);
        const bool same = goes_on && before.now && before.now->is == one.of->is && before.digest == one.digest &&
                          before.now->at != views::state::failed && before.now->generation == one.now.generation;
        one.now.is = one.of->is;
        if (!unfit[i].empty()) {
            void_view(one, views::state::failed, unfit[i]);
            one.retry_at = boot_time::max();
        } else if (same) {
            one.announced = before.now->epoch != log_.epoch();
            one.now.epoch = log_.epoch();
            one.wants_fill = one.now.at == views::state::filling;
        } else {
            void_view(one, views::state::filling, {});
        }
        if (!before.now) one.replaced = 0;
    }
    for (const auto& [name, before] : *known) {
        const auto is_it = [&name = name](const kept& one) { return one.of->name == name; };
        if (before.now && std::none_of(views_.begin(), views_.end(), is_it))
            writing_.removed(name, before.now->generation);
    }
    announce();
    if (!writing_.empty()) {
        const auto written = co_await log_.write(writing_, {});
        if (!written) co_return written.error();
    }
    writing_.clear();
    co_return boost::system::in_place_value;
}

/// A new generation, so that what the old one had is gone at once.
void view_keeper::void_view(kept& which, views::state to, std::string why)
{
    if (which.replaced == 0) which.replaced = which.now.generation;
    which.now = {which.of->is, fresh_generation(which.now.generation), to, log_.epoch()};
    which.announced = true;
    which.doubted.clear();
    which.doubting.clear();
    which.wants_fill = to == views::state::filling;
    which.fresh = true;
    which.why = std::move(why);
    if (const auto listed = lister_.view(); listed && &views_[*listed] == &which) lister_.stop();
    if (to == views::state::filling) counts_.voided.add();
}

void view_keeper::announce()
{
    for (auto& one : views_)
        if (std::exchange(one.announced, false))
            writing_.directory(one.of->name, one.now, std::exchange(one.replaced, 0), one.digest);
}

void view_keeper::fail(std::size_t view, std::string why)
{
    auto& one = views_[view];
    counts_.failures.add();
    if (one.why != why) on_.log.error("a view can't be kept", {{"view", one.of->name}, {"why", why}});
    one.shape.reset();
    one.retry_at = boot_clock::now() + one.retry_pause;
    one.retry_pause = std::min<std::chrono::seconds>(2 * one.retry_pause, longest_retry_pause);
    goes_without_ = true;
    if (one.now.at == views::state::failed && !one.announced)
        one.why = std::move(why);
    else
        void_view(one, views::state::failed, std::move(why));
}

/// Whether the session goes on; then without this view, or asking for fewer of its keys at once.
bool view_keeper::refused(std::size_t view, boost::system::error_code error)
{
    auto& one = views_[view];
    if (error != errc::database_refused) {
        session_.close();
        if (++one.losses >= most_losses) fail(view, "the connection is lost whenever it is computed");
        return false;
    }
    if (session_.state() == query_canceled && one.shape && one.keys_at_once > 1) {
        one.keys_at_once = std::max<std::size_t>(1, one.keys_at_once / 8);
        goes_without_ = true;
    } else {
        fail(view, session_.why());
    }
    return true;
}

bool view_keeper::rebuild(std::string_view view)
{
    const auto found = std::ranges::find_if(views_, [&](const kept& one) { return one.of->name == view; });
    if (found == views_.end() || found->now.at == views::state::filling || found->retry_at == boot_time::max())
        return false;
    if (found->now.at == views::state::failed)
        found->retry_at = boot_clock::now();
    else
        found->wants_fill = true;
    host_.changed();
    return true;
}

std::optional<kept_view> view_keeper::at(std::size_t view) const
{
    const auto& one = views_[view];
    if (one.now.at != views::state::ready || !one.shape) return std::nullopt;
    return kept_view{one.of, one.now.generation, *one.shape, one.tables};
}

void view_keeper::doubt(std::size_t view, std::string key)
{
    views_[view].doubted.insert(std::move(key));
    host_.changed();
}

void view_keeper::watch(std::size_t view, const std::vector<std::string>& keys)
{
    watched_view_ = view;
    watched_.clear();
    for (const auto& one : keys) watched_.emplace(one, false);
}

bool view_keeper::touched(const std::string& key) const
{
    const auto found = watched_.find(key);
    return found != watched_.end() && found->second;
}

std::vector<view_standing> view_keeper::now() const
{
    std::vector<view_standing> found;
    for (const auto& one : views_) found.push_back({one.of->name, one.now, one.why, one.entries});
    return found;
}

/// No other view is being listed.
bool view_keeper::may_list(const kept& which) const noexcept
{
    const auto listed = lister_.view();
    return which.wants_fill && (!listed || &views_[*listed] == &which);
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

void view_keeper::reviewed(std::vector<std::string> unfit)
{
    review_ = std::move(unfit);
    host_.changed();
}

/// What fits no more, and what somebody has mended.
void view_keeper::take_review()
{
    const auto found = std::exchange(review_, {});
    for (std::size_t i = 0; i < found.size(); ++i) {
        auto& one = views_[i];
        const bool was_unfit = one.retry_at == boot_time::max();
        if (was_unfit && found[i].empty()) one.retry_at = boot_clock::now();
        if (was_unfit) one.why = found[i];
        if (was_unfit || found[i].empty()) continue;
        counts_.failures.add();
        on_.log.error("a view can't be kept", {{"view", one.of->name}, {"why", found[i]}});
        one.shape.reset();
        one.retry_at = boot_time::max();
        void_view(one, views::state::failed, found[i]);
    }
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

/// So that a snapshot's transactions are known, each of them whole, before its entries are written.
boost::asio::awaitable<void> view_keeper::await_stream(const sight& with)
{
    const auto until = boot_clock::now() + stream_patience;
    while (!host_.over() && host_.transactions().received() < with.flushed && boot_clock::now() < until)
        co_await host_.wait_for_change(10ms);
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

}  // namespace shoal::relay
