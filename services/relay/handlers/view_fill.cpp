// Which keys a view has: those that its query returns in one snapshot, then those that Redis has. Each is recomputed in
// a later round, together with what changes meanwhile; so none of them is older than what was written before.

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/redis/client.hpp"
#include "services/relay/handlers/view_keeper.hpp"

namespace shoal::relay {
namespace {

using namespace std::string_view_literals;

}  // namespace

/// False when the round can't go on.
boost::asio::awaitable<bool> view_keeper::next_fill(std::vector<std::string>& keys)
{
    if (fill_ && views_[fill_->view].wants_fill) end_fill();
    if (!fill_) {
        const bool begun = co_await begin_fill();
        if (!begun || !fill_) co_return begun;
    }
    bool going_on = true;
    if (!fill_->listed)
        going_on = co_await list(keys);
    else if (!fill_->indexed)
        going_on = co_await scan(keys);
    co_return going_on;
}

void view_keeper::end_fill()
{
    fill_.reset();
    lister_.close();
}

boost::asio::awaitable<bool> view_keeper::begin_fill()
{
    const auto next = std::ranges::find_if(
        views_, [](const kept& one) { return one.wants_fill && one.shape && one.now.at != views::state::failed; });
    if (next == views_.end()) co_return true;
    const auto view = static_cast<std::size_t>(next - views_.begin());
    auto to = by_->database;
    to.application = "shoal " + on_.worker_name + " fill";
    const auto connected = co_await lister_.connect(to);
    if (host_.over()) co_return false;
    if (!connected) {
        fail(view, fmt::format("connecting to the database: {}", lister_.why()));
        co_return true;
    }
    next->wants_fill = false;
    // A view that was voided has nothing yet that the query may lack.
    fill_ = filling{.view = view, .listed = false, .indexed = next->fresh};
    const auto begun = co_await lister_.begin(locked_);
    auto why = begun ? boost::system::error_code{} : begun.error();
    if (begun && !host_.over()) {
        const auto declared = co_await lister_.declare("shoal_keys", listed_sql(*next->of));
        if (declared) co_return true;
        why = declared.error();
    }
    if (host_.over()) co_return false;
    if (!refused(view, why, lister_)) next->wants_fill = true;
    end_fill();
    co_return true;
}

boost::asio::awaitable<bool> view_keeper::list(std::vector<std::string>& keys)
{
    const auto view = fill_->view;
    result<bool> more = false;
    const auto asked = co_await lister_.ask(fmt::format("FETCH {} FROM shoal_keys", most_keys_at_once));
    if (!asked) more = {boost::system::in_place_error, asked.error()};
    std::size_t rows = 0;
    while (asked && !host_.over()) {
        more = co_await lister_.next();
        if (host_.over() || !more || !*more) break;
        ++rows;
        if (auto key = key_of(lister_.row(), views_[view].of->key.size())) keys.push_back(*std::move(key));
    }
    if (host_.over()) co_return false;
    if (!more) {
        if (!refused(view, more.error(), lister_)) views_[view].wants_fill = true;
        end_fill();
        keys.clear();
    } else if (rows == 0) {
        fill_->listed = true;
        lister_.close();
    }
    co_return true;
}

boost::asio::awaitable<bool> view_keeper::scan(std::vector<std::string>& keys)
{
    const auto& of = views_[fill_->view];
    const auto index = views::index_key(of.of->name, of.now.generation);
    const auto cursor = fill_->cursor;
    const std::array<std::string_view, 5> command{"SSCAN"sv, index, cursor, "COUNT"sv, "500"sv};
    const auto answer = co_await on_.state.command(command);
    if (host_.over()) co_return false;
    const auto* const parts = answer.has_value() ? answer.value().array() : nullptr;
    const auto* const next = parts != nullptr && parts->size() == 2 ? parts->front().text() : nullptr;
    const auto* const found = next != nullptr ? parts->back().array() : nullptr;
    if (found == nullptr) {
        host_.end("reading a view's index in Redis");
        co_return false;
    }
    for (const auto& one : *found)
        if (one.text() != nullptr) keys.push_back(*one.text());
    fill_->cursor = *next;
    fill_->indexed = *next == "0";
    co_return true;
}

}  // namespace shoal::relay
