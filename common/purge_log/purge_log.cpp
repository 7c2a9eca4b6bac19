#include "common/purge_log/purge_log.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/coherence/log_follower.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/purge_log/calls.hpp"
#include "common/purge_log/writer.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"

namespace shoal::coherence {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;

/// So many fit into a lease: a lost one or two do not end it.
constexpr int renewals_per_lease = 4;
/// Between renewals while somebody waits for what the relay says with one.
constexpr std::chrono::nanoseconds waited_for_interval = 10ms;
/// While Redis is away, or something has to be found out by a renewal first.
constexpr std::chrono::nanoseconds retry_pause = 50ms;
/// A blocked read is asked again after this: one that waits for ids of an epoch that is over ends with it.
constexpr std::chrono::milliseconds arrivals_block = 500ms;
/// Between the last report and leaving: whoever waits for a purge looks at least every 5 ms.
constexpr std::chrono::nanoseconds farewell_pause = 20ms;
constexpr std::size_t table_part_bytes = 256 * 1024;

redis::options arrivals_options(redis::options of_state)
{
    of_state.name = "purge_log";
    of_state.command_timeout = arrivals_block + 1500ms;
    return of_state;
}

}  // namespace

class purge_log::impl {
public:
    impl(const worker::context& from, const lease_terms& terms);

    void start();
    awaitable<void> drain();
    void stop();
    awaitable<result<purge_receipt>> acknowledge(purge what) { return writer_.acknowledge(std::move(what)); }
    awaitable<bool> reach(effect wanted, write_token token, boot_time until)
    {
        return waits_.reach(wanted, std::move(token), until);
    }
    awaitable<result<std::vector<logged_purge>>> history(std::uint64_t up_to, std::size_t count)
    {
        return calls_.history(up_to, count);
    }
    [[nodiscard]] const log_follower& follower() const noexcept { return follower_; }

private:
    void measure(metrics::registry& in);
    awaitable<void> follow();
    awaitable<bool> join();
    awaitable<bool> load_table();
    awaitable<bool> renew();
    awaitable<void> find_tokens();
    awaitable<void> wait(std::chrono::nanoseconds time);
    awaitable<void> wait_for_renewal();
    void progressed();
    awaitable<void> read_arrivals();
    /// Whether there is anything more to ask for at once.
    bool take(const log_part& arrived);
    void ended();

    runtime::task_group& tasks_;
    log::logger& log_;
    std::string name_;
    std::string incarnation_;
    std::chrono::nanoseconds renew_interval_;
    log_follower follower_;
    purge_log_calls calls_;
    /// Of its own: it is blocked nearly always.
    redis::client arrivals_;
    purge_log_writer writer_;
    write_waits waits_;
    metrics::counter& epochs_;

    bool stopping_ = false;
    int loops_ = 0;
    bool progressed_ = false;
    asio::steady_timer wake_;
    asio::steady_timer arrivals_pause_;
    asio::steady_timer ended_;

    std::uint64_t renewals_ = 0;
    /// What the last renewal said, when it was sent, and where it found the log's end.
    stamp reported_;
    boot_time renewed_at_ = boot_time::min();
    boot_time tokens_asked_at_ = boot_time::min();
    stamp head_;
    std::uint64_t epoch_ = 0;
};

purge_log::impl::impl(const worker::context& from, const lease_terms& terms)
    : tasks_{from.tasks},
      log_{from.log},
      name_{from.worker_name},
      incarnation_{from.incarnation},
      renew_interval_{terms.lasts / renewals_per_lease},
      follower_{terms},
      calls_{from.state},
      arrivals_{from.loop, arrivals_options(from.state_options), from.tasks, from.log, from.metrics},
      writer_{from, terms, calls_, follower_, [this] { progressed(); }},
      waits_{from.loop, follower_, [this] { wake_.cancel(); }},
      epochs_{from.metrics.add_counter("shoal_cache_epochs_total", "Epochs of the purge log that this worker joined.")},
      wake_{from.loop},
      arrivals_pause_{from.loop},
      ended_{from.loop, asio::steady_timer::time_point::max()}
{
    measure(from.metrics);
}

void purge_log::impl::measure(metrics::registry& in)
{
    in.add_gauge("shoal_cache_purge_position", "Sequence of the last purge that was applied.", {},
                 [this] { return static_cast<double>(follower_.position().sequence); });
    in.add_gauge("shoal_cache_purge_lag", "Purges that were not applied when the lease was last renewed.", {}, [this] {
        const auto applied = follower_.position();
        if (applied.epoch != head_.epoch) return static_cast<double>(head_.sequence);
        return static_cast<double>(head_.sequence - std::min(head_.sequence, applied.sequence));
    });
    in.add_gauge("shoal_cache_lease_held", "1 while what is cached may be served.", {},
                 [this] { return follower_.current(boot_clock::now()) ? 1.0 : 0.0; });
}

void purge_log::impl::start()
{
    arrivals_.start();
    loops_ = 2;
    tasks_.spawn("purge log", follow());
    tasks_.spawn("purge log arrivals", read_arrivals());
}

void purge_log::impl::stop()
{
    stopping_ = true;
    follower_.leave();
    arrivals_.stop();
    arrivals_pause_.cancel();
    progressed();
    waits_.look();
}

awaitable<void> purge_log::impl::drain()
{
    stop();
    while (loops_ > 0) {
        boost::system::error_code woken;
        co_await ended_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    // Purges that are on their way wait for this worker's report; the next ones find it gone.
    const member_report farewell{{follower_.known_epoch(), beyond_all}, ++renewals_, name_};
    (void)co_await calls_.renew(follower_.known_epoch(), incarnation_, farewell);
    wake_.expires_after(farewell_pause);
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    (void)co_await calls_.leave(incarnation_);
}

void purge_log::impl::ended()
{
    if (--loops_ == 0) ended_.cancel();
}

awaitable<void> purge_log::impl::follow()
{
    while (!stopping_) {
        progressed_ = false;
        bool heard = follower_.joined();
        if (!heard) heard = co_await join();
        if (heard) co_await find_tokens();
        if (heard && !stopping_) heard = co_await renew();
        if (stopping_) break;
        waits_.look();
        if (!heard)
            co_await wait(retry_pause);
        else if (follower_.joined() && follower_.position() == reported_)
            co_await wait_for_renewal();
    }
    follower_.leave();
    ended();
}

awaitable<bool> purge_log::impl::join()
{
    const auto from = co_await calls_.head(follower_.known_epoch());
    if (from.has_error()) co_return false;
    follower_.begin_join(from.value());
    head_ = from.value().head;
    if (!co_await load_table() || stopping_ || !follower_.end_join()) co_return false;
    if (head_.epoch != epoch_) {
        epoch_ = head_.epoch;
        epochs_.add();
    }
    log_.info("joined the purge log", {{"epoch", head_.epoch}, {"sequence", head_.sequence}});
    co_return true;
}

awaitable<bool> purge_log::impl::load_table()
{
    for (std::size_t offset = 0; offset < follower_.table_size(); offset += table_part_bytes) {
        const auto part = co_await calls_.table_part(offset, table_part_bytes);
        if (part.has_error()) co_return false;
        follower_.load(offset, part.value());
        if (part.value().size() < table_part_bytes) break;
    }
    co_return true;
}

/// Whether Redis answered.
awaitable<bool> purge_log::impl::renew()
{
    reported_ = follower_.position();
    renewed_at_ = boot_clock::now();
    const member_report report{reported_, ++renewals_, name_};
    const auto reply = co_await calls_.renew(follower_.known_epoch(), incarnation_, report);
    if (reply.has_error() || stopping_) co_return false;
    head_ = reply.value().head.head;
    const bool had_joined = follower_.joined();
    if (follower_.renewed(reply.value().head, reply.value().since.entries) == log_follower::next::join && had_joined)
        log_.warning("what is cached is void until the purge log is read anew",
                     {{"epoch", head_.epoch}, {"sequence", head_.sequence}, {"applied", reported_.sequence}});
    co_return true;
}

/// Before the renewal, which then says of those that are found whether they are purged.
awaitable<void> purge_log::impl::find_tokens()
{
    const auto now = boot_clock::now();
    if (now < tokens_asked_at_ + waited_for_interval) co_return;
    const auto names = waits_.unknown();
    if (names.empty()) co_return;
    tokens_asked_at_ = now;
    const auto found = co_await calls_.tokens(names);
    if (found.has_error()) co_return;
    for (std::size_t i = 0; i < names.size(); ++i)
        if (found.value()[i] != 0) waits_.found(names[i], found.value()[i]);
}

/// Sooner when somebody waits.
awaitable<void> purge_log::impl::wait_for_renewal()
{
    while (!progressed_) {
        const auto due = renewed_at_ + (waits_.empty() ? renew_interval_ : waited_for_interval);
        const auto now = boot_clock::now();
        if (now >= due) break;
        co_await wait(due - now);
    }
}

/// Until then, or until there is something to report.
awaitable<void> purge_log::impl::wait(std::chrono::nanoseconds time)
{
    if (progressed_) co_return;
    wake_.expires_after(time);
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

void purge_log::impl::progressed()
{
    progressed_ = true;
    wake_.cancel();
}

awaitable<void> purge_log::impl::read_arrivals()
{
    while (!stopping_) {
        bool more = false;
        if (follower_.joined()) {
            const auto arrived =
                co_await purge_log_calls::arrivals(arrivals_, follower_.position().sequence, arrivals_block);
            more = arrived.has_value() && take(arrived.value());
        }
        if (more || stopping_) continue;
        arrivals_pause_.expires_after(retry_pause);
        boost::system::error_code woken;
        co_await arrivals_pause_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    ended();
}

bool purge_log::impl::take(const log_part& arrived)
{
    bool applied = false;
    for (const auto& each : arrived.entries) applied = follower_.apply(each) || applied;
    if (applied) progressed();
    // What is of another epoch, or beyond a gap, only a renewal can explain.
    return arrived.entries.empty() || arrived.entries.back().at.sequence <= follower_.position().sequence;
}

purge_log::purge_log(const worker::context& from, lease_terms terms) : impl_{std::make_unique<impl>(from, terms)} {}

purge_log::~purge_log() = default;

void purge_log::start()
{
    impl_->start();
}

awaitable<void> purge_log::drain()
{
    return impl_->drain();
}

void purge_log::stop()
{
    impl_->stop();
}

awaitable<result<purge_receipt>> purge_log::acknowledge(purge what)
{
    return impl_->acknowledge(std::move(what));
}

awaitable<bool> purge_log::reach(effect wanted, write_token token, boot_time until)
{
    return impl_->reach(wanted, std::move(token), until);
}

awaitable<result<std::vector<logged_purge>>> purge_log::history(std::uint64_t up_to, std::size_t count)
{
    return impl_->history(up_to, count);
}

purge_table::cell purge_log::last(tag of) const noexcept
{
    return impl_->follower().last(of);
}

bool purge_log::current(boot_time now) const noexcept
{
    return impl_->follower().current(now);
}

stamp purge_log::position() const noexcept
{
    return impl_->follower().position();
}

boot_time purge_log::relayed_at() const noexcept
{
    return impl_->follower().relayed_at();
}

boot_time purge_log::viewed_at() const noexcept
{
    return impl_->follower().viewed_at();
}

lsn purge_log::purged() const noexcept
{
    return impl_->follower().purged();
}

lsn purge_log::viewed() const noexcept
{
    return impl_->follower().viewed();
}

standing purge_log::judge(const stamp& of, std::span<const tag> tags) const noexcept
{
    return impl_->follower().judge(of, tags);
}

}  // namespace shoal::coherence
