#include "services/relay/handlers/view_auditor.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log/log.hpp"
#include "common/redis/client.hpp"
#include "services/relay/postgres/view_reader.hpp"

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;

/// Of one snapshot.
constexpr int most_at_once = 50;
constexpr std::chrono::nanoseconds retry_pause = 2s;
constexpr std::chrono::nanoseconds look_pause = 100ms;
/// After this at the latest it is seen that the attempt is over.
constexpr std::chrono::nanoseconds longest_slice = 100ms;
/// Of a set in one command, and of one that is compared: more would take too much memory.
constexpr std::size_t most_members_read = 1000;
constexpr std::int64_t most_members_compared = 100'000;
/// For what could be seen to be in the views; a relay that is later has other troubles.
constexpr auto catch_up_patience = 10s;

/// Adds fields and values, or members and scores, one after the other. False: it is something else.
bool read_pairs(const std::vector<redis::value>& from, stored_entry& into)
{
    for (std::size_t i = 0; i + 1 < from.size(); i += 2) {
        if (from[i].text() == nullptr || from[i + 1].text() == nullptr) return false;
        into.pairs.emplace_back(*from[i].text(), *from[i + 1].text());
    }
    into.exists = !into.pairs.empty();
    return true;
}

}  // namespace

view_auditor::view_auditor(const worker::context& on, view_audits& counts, view_host& host, view_keeper& keeper,
                           std::shared_ptr<const settings> by)
    : on_{on}, counts_{counts}, host_{host}, keeper_{keeper}, by_{std::move(by)}, session_{on.loop, by_->query_timeout}
{
}

boost::asio::awaitable<void> view_auditor::rest(std::chrono::nanoseconds time)
{
    // Not for each change, of which there may be thousands.
    boost::asio::steady_timer slice{on_.loop};
    const auto until = boot_clock::now() + time;
    while (!host_.over() && boot_clock::now() < until) {
        slice.expires_after(std::min<std::chrono::nanoseconds>(until - boot_clock::now(), longest_slice));
        boost::system::error_code woken;
        co_await slice.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
}

boost::asio::awaitable<void> view_auditor::run()
{
    while (!host_.over()) {
        const auto before = counts_.total().samples;
        const bool opened = co_await open();
        if (opened && !host_.over()) co_await sweep();
        if (counts_.total().samples == before) co_await rest(retry_pause);
    }
}

boost::asio::awaitable<bool> view_auditor::open()
{
    if (session_.open()) co_return true;
    auto to = by_->database;
    to.application = "shoal " + on_.worker_name + " audit";
    const auto connected = co_await session_.connect(to);
    co_return connected.has_value();
}

boost::asio::awaitable<void> view_auditor::sweep()
{
    const auto began = boot_clock::now();
    const auto before = counts_.total().samples;
    for (std::size_t view = 0; view < by_->views.size() && !host_.over() && session_.open(); ++view)
        co_await sweep(view);
    if (!host_.over() && session_.open()) counts_.swept(boot_clock::now() - began, counts_.total().samples - before);
}

boost::asio::awaitable<void> view_auditor::sweep(std::size_t view)
{
    std::string cursor = "0";
    do {
        const auto of = keeper_.at(view);
        if (!of) co_return;
        auto keys = co_await next_keys(*of, cursor);
        if (!keys) co_return;
        while (!keys->empty() && !host_.over()) {
            const auto taken = std::min<std::size_t>(
                keys->size(), static_cast<std::size_t>(std::min(*by_->audits_per_second, most_at_once)));
            const auto next = boot_clock::now() + std::chrono::nanoseconds{1s} * taken / *by_->audits_per_second;
            std::vector<std::string> some(keys->end() - static_cast<std::ptrdiff_t>(taken), keys->end());
            keys->resize(keys->size() - taken);
            const bool going_on = co_await look_at(view, *of, std::move(some));
            if (!going_on) co_return;
            co_await rest(next - boot_clock::now());
        }
    } while (cursor != "0" && !host_.over());
}

boost::asio::awaitable<std::optional<std::vector<std::string>>> view_auditor::next_keys(const kept_view& of,
                                                                                        std::string& cursor)
{
    const auto index = views::index_key(of.of->name, of.generation);
    const auto from = cursor;
    const std::array<std::string_view, 5> command{"SSCAN", index, from, "COUNT", "500"};
    const auto answer = co_await on_.state.command(command);
    const auto* const parts = answer.has_value() ? answer.value().array() : nullptr;
    const auto* const next = parts != nullptr && parts->size() == 2 ? parts->front().text() : nullptr;
    const auto* const found = next != nullptr ? parts->back().array() : nullptr;
    if (found == nullptr) co_return std::nullopt;
    std::vector<std::string> keys;
    for (const auto& one : *found)
        if (one.text() != nullptr) keys.push_back(*one.text());
    cursor = *next;
    co_return keys;
}

/// False where it can't go on with this view.
boost::asio::awaitable<bool> view_auditor::look_at(std::size_t view, kept_view of, std::vector<std::string> keys)
{
    keeper_.watch(view, keys);
    const auto at = co_await session_.begin(of.tables);
    if (!at) session_.close();
    if (!at || host_.over()) co_return false;
    view_reader reader{session_, *of.of, of.shape};
    const auto begun = co_await reader.begin(std::move(keys));
    bool whole = begun.has_value();
    std::vector<suspect> differing;
    while (whole && !host_.over()) {
        auto made = co_await reader.next();
        whole = made.has_value();
        if (!whole || !*made) break;
        const auto kept = co_await stored(of, (*made)->key);
        whole = kept.has_value();
        if (!whole) break;
        counts_.count(of.of->name, view_audits::result::sampled);
        if (!agrees(of.of->is, **made, *kept))
            differing.push_back({.key = (*made)->key, .print = print_of(of.of->is, **made)});
    }
    const auto ended = co_await session_.end();
    if (!ended) session_.close();
    if (!whole || host_.over()) {
        counts_.count(of.of->name, view_audits::result::failed);
        co_return false;
    }
    if (differing.empty()) co_return true;
    co_return co_await look_again(view, std::move(of), std::move(differing), *at);
}

/// What could be seen at the first look is in the views by now; and what is alike in two looks, and was not recomputed
/// meanwhile, was so between them.
boost::asio::awaitable<bool> view_auditor::look_again(std::size_t view, kept_view of, std::vector<suspect> at,
                                                      sight after)
{
    const bool current = co_await caught_up(after);
    if (!current) co_return !host_.over();
    std::vector<std::string> keys;
    for (auto& one : at) {
        auto kept = co_await stored(of, one.key);
        if (!kept) co_return false;
        one.stored = *std::move(kept);
        keys.push_back(one.key);
    }
    const auto begun_at = co_await session_.begin(of.tables);
    if (!begun_at) session_.close();
    if (!begun_at || host_.over()) co_return false;
    view_reader reader{session_, *of.of, of.shape};
    const auto begun = co_await reader.begin(std::move(keys));
    bool whole = begun.has_value();
    while (whole && !host_.over()) {
        auto made = co_await reader.next();
        whole = made.has_value();
        if (!whole || !*made) break;
        const auto one = std::ranges::find(at, (*made)->key, &suspect::key);
        if (one == at.end() || agrees(of.of->is, **made, one->stored)) continue;
        if (print_of(of.of->is, **made) != one->print || keeper_.touched(one->key))
            counts_.count(of.of->name, view_audits::result::changing);
        else if (same(view, of))
            report(view, of, one->key);
    }
    const auto ended = co_await session_.end();
    if (!ended) session_.close();
    co_return whole && !host_.over();
}

boost::asio::awaitable<bool> view_auditor::caught_up(const sight& with)
{
    const auto until = boot_clock::now() + catch_up_patience;
    while (!host_.over() && boot_clock::now() < until) {
        if (host_.transactions().received() >= with.written && host_.transactions().views_caught_up(with.seen))
            co_return true;
        co_await rest(look_pause);
    }
    co_return false;
}

boost::asio::awaitable<std::optional<stored_entry>> view_auditor::stored(const kept_view& of, const std::string& key)
{
    const auto at = views::entry_key(of.of->name, of.generation, key);
    std::vector<std::string_view> command;
    switch (of.of->is) {
    case views::kind::document: command = {"GET", at}; break;
    case views::kind::hash: command = {"HGETALL", at}; break;
    case views::kind::set:
    case views::kind::sorted_set: {
        auto members = co_await stored_members(at);
        co_return members;
    }
    }
    const auto answer = co_await on_.state.command(command);
    // Something of another kind stands there, or nobody answers.
    if (answer.has_error() && answer.error() == errc::redis_error_reply) co_return stored_entry{};
    if (answer.has_error()) co_return std::nullopt;
    if (answer.value().is_nil()) co_return stored_entry{};
    if (const auto* const text = answer.value().text()) co_return stored_entry{.exists = true, .document = *text};
    stored_entry found;
    const auto* const pairs = answer.value().array();
    if (pairs == nullptr || !read_pairs(*pairs, found)) co_return std::nullopt;
    co_return found;
}

/// In parts; what changes between them is touched, and looked at again.
boost::asio::awaitable<std::optional<stored_entry>> view_auditor::stored_members(std::string at)
{
    const std::array<std::string_view, 2> counting{"ZCARD", at};
    const auto count = co_await on_.state.command(counting);
    if (count.has_error() && count.error() == errc::redis_error_reply) co_return stored_entry{};
    if (count.has_error() || count.value().integer() == nullptr) co_return std::nullopt;
    const auto members = *count.value().integer();
    stored_entry found;
    if (members > most_members_compared) {
        found.exists = true;
        found.members = static_cast<std::size_t>(members);
        co_return found;
    }
    for (std::size_t from = 0; from < static_cast<std::size_t>(members); from += most_members_read) {
        const auto first = std::to_string(from);
        const auto last = std::to_string(from + most_members_read - 1);
        const std::array<std::string_view, 5> asking{"ZRANGE", at, first, last, "WITHSCORES"};
        const auto answer = co_await on_.state.command(asking);
        const auto* const pairs = answer.has_value() ? answer.value().array() : nullptr;
        if (pairs == nullptr || !read_pairs(*pairs, found)) co_return std::nullopt;
    }
    co_return found;
}

/// It is that generation still, and served.
bool view_auditor::same(std::size_t view, const kept_view& of) const
{
    const auto now = keeper_.at(view);
    return now && now->generation == of.generation;
}

void view_auditor::report(std::size_t view, const kept_view& of, const std::string& key)
{
    counts_.count(of.of->name, view_audits::result::inconsistent);
    counts_.found(of.of->name + "/" + key);
    on_.log.error("an entry of a view is not what its query returns, and nothing has changed it",
                  {{"view", of.of->name}, {"key", key}});
    keeper_.doubt(view, key);
}

}  // namespace shoal::relay
