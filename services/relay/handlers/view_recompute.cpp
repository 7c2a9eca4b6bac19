// What one view's dirty keys become, in the snapshot of a round. Each step is false where the round is over.

#include <algorithm>
#include <set>
#include <utility>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/purge_log/keys.hpp"
#include "common/redis/client.hpp"
#include "services/relay/handlers/view_keeper.hpp"

namespace shoal::relay {
namespace {

/// Of one script, and of a part of a large entry: about a millisecond of Redis.
constexpr std::size_t most_bytes_written = 256 * 1024;
/// Beyond that a round's changes appear in parts; there is room for the tags of all views.
constexpr std::size_t most_tag_bytes = coherence::most_entry_bytes - 4 * (views::most_views + 1);

/// Beyond that, to make all of a view anew holds the others up less.
constexpr std::size_t most_keys_selected = 100'000;

/// The next ones, at most so many, taken off; what is too long is no key of a view.
std::vector<std::string> take_some(dirty_view::texts& from, std::size_t most, std::size_t longest)
{
    std::vector<std::string> taken;
    auto at = from.begin();
    while (at != from.end() && taken.size() < most) {
        if (at->size() <= longest) taken.push_back(*at);
        from.erase(at++);
    }
    return taken;
}

}  // namespace

boost::asio::awaitable<bool> view_keeper::recompute(std::size_t view, dirty_view& what)
{
    bool done = co_await add_selected(view, what);
    if (!done || what.everything) co_return done;
    done = co_await add_absent(view, what);
    if (!done) co_return false;
    for (const auto& one : what.members) {
        // All of the key is recomputed anyhow.
        if (what.keys.contains(one.substr(0, one.rfind(',')))) continue;
        members_.insert(one);
    }
    const auto most = views_[view].keys_at_once;
    while (done && !what.keys.empty() && !host_.over())
        done = co_await recompute_entries(view, take_some(what.keys, most, views::longest_key));
    while (done && !members_.empty() && !host_.over())
        done = co_await recompute_members(view, take_some(members_, most, std::string::npos));
    members_.clear();
    co_return done && !host_.over();
}

boost::asio::awaitable<bool> view_keeper::add_selected(std::size_t view, dirty_view& what)
{
    view_reader reader{session_, *views_[view].of, *views_[view].shape};
    std::size_t selected = 0;
    for (std::size_t source = 0; source < what.selected.size(); ++source)
        for (const auto& values : what.selected[source]) {
            auto keys = co_await reader.selected(views_[view].of->changed_by[source], values);
            if (host_.over()) co_return false;
            if (!keys) {
                (void)refused(view, keys.error());
                co_return false;
            }
            if (*keys) what.keys.insert((*keys)->begin(), (*keys)->end());
            selected += *keys ? (*keys)->size() : 0;
            if (!*keys || selected > most_keys_selected) {
                what.everything = true;
                void_view(views_[view], views::state::filling, {});
                co_return true;
            }
        }
    co_return true;
}

/// A set that is not there is made whole: the fill may not have come to it, or it was too large.
boost::asio::awaitable<bool> view_keeper::add_absent(std::size_t view, dirty_view& what)
{
    std::set<std::string> keys;
    for (const auto& one : what.members)
        if (auto key = one.substr(0, one.rfind(',')); !what.keys.contains(key)) keys.insert(std::move(key));
    const auto index = views::index_key(views_[view].of->name, views_[view].now.generation);
    while (!keys.empty()) {
        std::vector<std::string> asked;
        while (!keys.empty() && asked.size() < most_keys_at_once)
            asked.push_back(std::move(keys.extract(keys.begin()).value()));
        std::vector<std::string_view> command{"SMISMEMBER", index};
        command.insert(command.end(), asked.begin(), asked.end());
        const auto answer = co_await on_.state.command(command);
        if (host_.over()) co_return false;
        const auto* const there = answer.has_value() ? answer.value().array() : nullptr;
        if (there == nullptr || there->size() != asked.size()) {
            host_.end("reading a view's index in Redis");
            co_return false;
        }
        for (std::size_t i = 0; i < asked.size(); ++i)
            if (const auto* const is = (*there)[i].integer(); is == nullptr || *is == 0)
                what.keys.insert(std::move(asked[i]));
    }
    co_return true;
}

boost::asio::awaitable<bool> view_keeper::recompute_entries(std::size_t view, std::vector<std::string> keys)
{
    if (keys.empty()) co_return true;
    view_reader reader{session_, *views_[view].of, *views_[view].shape};
    const auto begun = co_await reader.begin(std::move(keys));
    if (host_.over()) co_return false;
    if (!begun) {
        (void)refused(view, begun.error());
        co_return false;
    }
    for (;;) {
        auto next = co_await reader.next();
        if (host_.over()) co_return false;
        if (!next) {
            (void)refused(view, next.error());
            co_return false;
        }
        if (!*next) co_return true;
        const bool added = co_await add(view, **std::move(next));
        if (!added) co_return false;
    }
}

boost::asio::awaitable<bool> view_keeper::recompute_members(std::size_t view, std::vector<std::string> members)
{
    view_reader reader{session_, *views_[view].of, *views_[view].shape};
    const auto changes = co_await reader.members(std::move(members));
    if (host_.over()) co_return false;
    if (!changes) {
        (void)refused(view, changes.error());
        co_return false;
    }
    for (const auto& one : *changes) {
        if (one.key.size() > views::longest_key) continue;
        note_touched(view, one.key);
        writing_.members(views_[view].of->name, views_[view].now.generation, one);
        counts_.entries.add();
        const bool going_on = co_await flush_when_full();
        if (!going_on) co_return false;
    }
    co_return true;
}

boost::asio::awaitable<bool> view_keeper::add(std::size_t view, view_entry what)
{
    const auto& of = views_[view];
    note_touched(view, what.key);
    counts_.entries.add();
    if (!what.problem.empty()) {
        counts_.unfit_entries.add();
        on_.log.error("an entry of a view is absent",
                      {{"view", of.of->name}, {"key", what.key}, {"why", what.problem}});
    }
    if (!what.exists || writing_.bytes() + what.body.size() <= most_bytes_written) {
        writing_.entry(*of.of, of.now.generation, what);
    } else {
        const auto under = log_.staging_key(++staged_);
        std::string_view rest = what.body;
        while (!rest.empty()) {
            auto part = std::exchange(rest, {});
            if (of.of->is != views::kind::document) {
                rest = part;
                part = take_pairs(rest, most_bytes_written);
            }
            const auto done = co_await log_.stage(under, of.of->is, part);
            if (host_.over()) co_return false;
            if (!done) {
                host_.end("writing views to Redis: " + done.error().message());
                co_return false;
            }
        }
        writing_.staged(of.of->name, of.now.generation, what.key, under);
    }
    const bool going_on = co_await flush_when_full();
    co_return going_on;
}

void view_keeper::note_touched(std::size_t view, const std::string& key)
{
    if (view != watched_view_) return;
    if (const auto found = watched_.find(key); found != watched_.end()) found->second = true;
}

boost::asio::awaitable<bool> view_keeper::flush_when_full()
{
    if (writing_.tags().size() < most_tag_bytes && writing_.bytes() < 4 * most_bytes_written) co_return true;
    // A generation that nobody knows would not be deleted if this relay ended here.
    announce();
    const auto written = co_await log_.write(writing_, {});
    writing_.clear();
    if (!written && !host_.over())
        host_.end(log_.fenced() ? "another relay has the slot"
                                : "writing views to Redis: " + written.error().message());
    co_return written.has_value() && !host_.over();
}

}  // namespace shoal::relay
