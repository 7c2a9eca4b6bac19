#include "services/relay/handlers/wal_watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/config/size.hpp"
#include "common/core/clock.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"

namespace shoal::relay {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto interval = 1s;
constexpr double alarm_from = 0.8;
/// PostgreSQL takes a moment to see that who had the slot is gone.
constexpr auto most_in_use = 1s;
constexpr auto in_use_pause = 20ms;

class kept_away {
public:
    explicit kept_away(const std::function<void(bool)>& by) : by_{by} { by_(true); }
    ~kept_away() { by_(false); }
    kept_away(const kept_away&) = delete;
    kept_away& operator=(const kept_away&) = delete;

private:
    const std::function<void(bool)>& by_;
};

}  // namespace

wal_watch::wal_watch(const worker::context& from, std::shared_ptr<const settings> chosen,
                     std::function<void(bool)> keep_away)
    : on_{from}, chosen_{std::move(chosen)}, keep_away_{std::move(keep_away)}, database_{from.loop}, pause_{from.loop}
{
    from.metrics.add_gauge("shoal_relay_wal_bytes", "Of the database's log, what the slot keeps it from forgetting.",
                           {}, [this] { return static_cast<double>(retained_); });
    from.metrics.add_gauge("shoal_relay_wal_budget_bytes", "What it may keep before it is dropped.", {},
                           [this] { return static_cast<double>(chosen_->wal_budget); });
}

asio::awaitable<void> wal_watch::run()
{
    while (!stopping_) {
        const auto looked = co_await look();
        connected_ = looked.has_value();
        std::chrono::nanoseconds until_next = interval;
        if (looked) {
            judge();
            retries_.reset();
        } else {
            database_.close();
            until_next = std::max<std::chrono::nanoseconds>(interval, retries_.next());
        }
        co_await pause(until_next);
    }
    database_.close();
}

asio::awaitable<void> wal_watch::pause(std::chrono::nanoseconds time)
{
    pause_.expires_after(time);
    boost::system::error_code woken;
    if (!stopping_) co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

void wal_watch::choose(std::shared_ptr<const settings> chosen)
{
    chosen_ = std::move(chosen);
    connected_ = false;
    database_.close();
}

void wal_watch::stop()
{
    stopping_ = true;
    database_.close();
    pause_.cancel();
}

asio::awaitable<result<void>> wal_watch::look()
{
    const auto held = chosen_;
    auto to = held->database;
    to.application = "shoal " + on_.worker_name + " watch";
    if (!connected_) {
        auto connected = co_await database_.connect(to);
        if (!connected) co_return connected;
    }
    const auto found = co_await database_.retained(held->slot);
    if (!found) co_return found.error();
    retained_ = *found;
    if (retained_ < held->wal_budget) co_return result<void>{};
    const auto dropped = co_await drop(held);
    // Whoever else has it lets go of it as well.
    if (!dropped) co_return dropped.error();
    retained_ = 0;
    if (*dropped == 0) co_return result<void>{};
    on_.log.error(
        "the slot kept more of the database's log than its budget: it is dropped",
        {{"slot", held->slot}, {"wal_budget", config::format_size(static_cast<std::int64_t>(held->wal_budget))}});
    co_return result<void>{};
}

asio::awaitable<result<std::size_t>> wal_watch::drop(std::shared_ptr<const settings> by)
{
    const kept_away while_it_takes{keep_away_};
    const auto until = boot_clock::now() + most_in_use;
    for (;;) {
        auto dropped = co_await database_.drop_slot_that_keeps(by->slot, by->wal_budget);
        const bool in_use = !dropped && dropped.error() == errc::database_refused && database_.state() == object_in_use;
        if (!in_use || stopping_ || boot_clock::now() >= until) co_return dropped;
        co_await pause(in_use_pause);
    }
}

void wal_watch::judge()
{
    const bool alarming = static_cast<double>(retained_) >= alarm_from * static_cast<double>(chosen_->wal_budget);
    if (alarming && !alarmed_)
        on_.log.warning("the slot keeps most of what it may of the database's log",
                        {{"slot", chosen_->slot}, {"bytes", retained_}});
    alarmed_ = alarming;
}

}  // namespace shoal::relay
