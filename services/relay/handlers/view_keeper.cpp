// What is known of each view, and what others ask of it; the rounds are in view_rounds.cpp, and what they recompute in
// view_recompute.cpp.

#include "services/relay/handlers/view_keeper.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;

/// After a query was refused again and again.
constexpr auto longest_retry_pause = 60s;
/// Others are computed with a view in one session: one that ends it so often is left out.
constexpr int most_losses = 3;
constexpr std::string_view query_canceled = "57014";

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
        for (const auto& source : one.changed_by) tables.insert(in_quotes(source.table));
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

}  // namespace shoal::relay
