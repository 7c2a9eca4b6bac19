#include "services/relay/handlers/view_lister.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/redis/client.hpp"
#include "services/relay/postgres/view_reader.hpp"

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

/// A query that lists may sort all of a table; nobody waits for it.
constexpr auto query_timeout = 10min;
constexpr auto retry_pause = 1s;
constexpr std::size_t most_waiting = 4 * most_keys_at_once;

}  // namespace

view_lister::view_lister(const worker::context& on, view_host& host, database_settings to)
    : on_{on}, host_{host}, to_{std::move(to)}, session_{on.loop, query_timeout}, wake_{on.loop}
{
    to_.application = "shoal " + on_.worker_name + " fill";
}

void view_lister::close() noexcept
{
    session_.close();
    wake_.cancel();
}

void view_lister::begin(job what)
{
    stop();
    job_ = std::move(what);
}

void view_lister::stop() noexcept
{
    ++number_;
    job_.reset();
    at_ = outcome::going_on;
    why_.clear();
    waiting_.clear();
    taken_.clear();
    close();
}

std::optional<std::size_t> view_lister::view() const noexcept
{
    return job_ ? std::optional{job_->view} : std::nullopt;
}

bool view_lister::wants_round() const noexcept
{
    return job_ && (at_ != outcome::going_on || !waiting_.empty() || !taken_.empty());
}

const std::vector<std::string>& view_lister::next()
{
    if (taken_.empty() && !waiting_.empty()) {
        const auto first = waiting_.end() - static_cast<std::ptrdiff_t>(std::min(waiting_.size(), most_keys_at_once));
        taken_.assign(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
        waiting_.erase(first, waiting_.end());
        wake_.cancel();
    }
    return taken_;
}

void view_lister::recomputed() noexcept
{
    taken_.clear();
}

boost::asio::awaitable<void> view_lister::run()
{
    while (!host_.over()) {
        if (job_ && at_ == outcome::going_on)
            co_await list();
        else
            co_await pause(retry_pause);
    }
}

boost::asio::awaitable<void> view_lister::pause(std::chrono::nanoseconds at_most)
{
    wake_.expires_after(at_most);
    boost::system::error_code woken;
    co_await wake_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
}

bool view_lister::outdated() const noexcept
{
    return host_.over() || listing_ != number_;
}

void view_lister::ended(outcome how, std::string why)
{
    at_ = how;
    why_ = std::move(why);
    session_.close();
    host_.changed();
}

/// False: it can't go on.
bool view_lister::failed(boost::system::error_code error)
{
    if (error == errc::database_refused)
        ended(outcome::refused, session_.why());
    else
        lost_ = true;
    return false;
}

boost::asio::awaitable<void> view_lister::list()
{
    listing_ = number_;
    lost_ = false;
    bool going_on = co_await open();
    if (going_on) going_on = co_await list_rows();
    if (going_on && !job_->fresh) going_on = co_await list_index();
    if (going_on) co_return ended(outcome::all);
    session_.close();
    if (!lost_ || outdated()) co_return;
    co_await pause(retry_pause);
    if (!outdated()) ended(outcome::lost);
}

boost::asio::awaitable<bool> view_lister::open()
{
    const auto connected = co_await session_.connect(to_);
    if (outdated()) co_return false;
    if (!connected) {
        ended(outcome::refused, fmt::format("connecting to the database: {}",
                                            session_.why().empty() ? connected.error().message() : session_.why()));
        co_return false;
    }
    const auto begun = co_await session_.begin(job_->tables);
    if (outdated()) co_return false;
    if (!begun) co_return failed(begun.error());
    const auto sql = listed_sql(*job_->of);
    const auto declared = co_await session_.declare("shoal_keys", sql);
    if (outdated()) co_return false;
    if (!declared) co_return failed(declared.error());
    co_return true;
}

boost::asio::awaitable<bool> view_lister::list_rows()
{
    for (std::size_t rows = 1; rows > 0;) {
        const bool room = co_await await_room();
        if (!room) co_return false;
        const auto asked = co_await session_.ask(fmt::format("FETCH {} FROM shoal_keys", most_keys_at_once));
        if (outdated()) co_return false;
        if (!asked) co_return failed(asked.error());
        for (rows = 0;; ++rows) {
            const auto more = co_await session_.next();
            if (outdated()) co_return false;
            if (!more) co_return failed(more.error());
            if (!*more) break;
            auto key = key_of(session_.row(), job_->of->key.size());
            if (key && key->size() <= views::longest_key) waiting_.push_back(*std::move(key));
        }
        host_.changed();
    }
    session_.close();
    co_return true;
}

boost::asio::awaitable<bool> view_lister::list_index()
{
    const auto index = views::index_key(job_->of->name, job_->generation);
    std::string cursor = "0";
    do {
        const bool room = co_await await_room();
        if (!room) co_return false;
        const std::array<std::string_view, 5> command{"SSCAN"sv, index, cursor, "COUNT"sv, "500"sv};
        const auto answer = co_await on_.state.command(command);
        if (outdated()) co_return false;
        const auto* const parts = answer.has_value() ? answer.value().array() : nullptr;
        const auto* const next = parts != nullptr && parts->size() == 2 ? parts->front().text() : nullptr;
        const auto* const found = next != nullptr ? parts->back().array() : nullptr;
        if (found == nullptr) {
            host_.end("reading a view's index in Redis");
            co_return false;
        }
        for (const auto& one : *found)
            if (one.text() != nullptr) waiting_.push_back(*one.text());
        cursor = *next;
        host_.changed();
    } while (cursor != "0");
    co_return true;
}

/// False when it is outdated.
boost::asio::awaitable<bool> view_lister::await_room()
{
    while (!outdated() && waiting_.size() >= most_waiting) co_await pause(retry_pause);
    co_return !outdated();
}

}  // namespace shoal::relay
