// What runs while the slot is this process's: one coroutine reads, one writes to Redis, one asks what can be seen, one
// says how far everything is.

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/metrics/metrics.hpp"
#include "common/purge_log/keys.hpp"
#include "common/runtime/task_group.hpp"
#include "services/relay/handlers/feed.hpp"
#include "services/relay/protocol/decoder.hpp"

namespace shoal::relay {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Then the stream waits until some is written.
constexpr std::size_t most_bytes_open = 8 * 1024 * 1024;
constexpr std::size_t most_open = 50'000;
constexpr auto beat_interval = 100ms;
/// What was committed synchronously is received by then: what is not has to be flushed.
constexpr auto push_patience = 20ms;
constexpr auto review_interval = 5s;
/// Each write costs every worker of the fleet: what comes within this time goes together.
constexpr auto write_interval = 2ms;
/// Between two looks for transactions that can't be seen yet.
constexpr std::chrono::nanoseconds first_look_pause = 200us;
constexpr std::chrono::nanoseconds longest_look_pause = 10ms;

/// Empty where a write that was sent said more.
std::string said_since(lsn position, lsn said)
{
    return position < said ? std::string{} : format_lsn(position);
}

}  // namespace

asio::awaitable<void> feed::follow()
{
    progress_ = progress{noted_};
    relations_ = {};
    tables_.emplace(by_->all);
    collector_.emplace(*tables_);
    view_tables_.emplace(view_rules_.all);
    view_collector_.emplace(*view_tables_);
    over_ = false;
    push_wanted_ = false;
    review_wanted_ = false;
    unreplayed_.reset();
    purged_said_ = noted_;
    sight_.reset();
    views_sight_.reset();
    begin_part("relay: read", read());
    begin_part("relay: publish", publish());
    begin_part("relay: look", look());
    begin_part("relay: beat", beat());
    begin_part("relay: review", review_on());
    begin_part("relay: views", keeper_->run());
    begin_part("relay: list", keeper_->list());
    if (!by_->views.empty() && by_->audits_per_second) {
        auditor_.emplace(on_, audits_, static_cast<view_host&>(*this), *keeper_, by_);
        begin_part("relay: audit", auditor_->run());
    }
    while (parts_ > 0) co_await wait_for_change(1s);
    auditor_.reset();
    view_collector_.reset();
    view_tables_.reset();
    collector_.reset();
    tables_.reset();
}

void feed::begin_part(std::string_view name, task<void> part)
{
    ++parts_;
    on_.tasks.spawn(name, [](feed& of, task<void> it) -> task<void> {
        std::string why = "a part of it ended";
        try {
            co_await std::move(it);
        } catch (const std::exception& failure) {
            why = failure.what();
        }
        of.end(std::move(why));
        --of.parts_;
        of.changed();
    }(*this, std::move(part)));
}

void feed::end(std::string why)
{
    if (std::exchange(over_, true)) return;
    standing_.why = std::move(why);
    stream_.close();
    database_.close();
    reviewer_.close();
    review_pause_.cancel();
    if (keeper_) keeper_->close();
    if (auditor_) auditor_->close();
    changed();
}

void feed::changed()
{
    for (auto* const each : waiting_) each->cancel();
}

asio::awaitable<void> feed::wait_for_change(std::chrono::nanoseconds at_most)
{
    asio::steady_timer change{on_.loop, at_most};
    waiting_.push_back(&change);
    boost::system::error_code woken;
    co_await change.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    std::erase(waiting_, &change);
}

asio::awaitable<void> feed::read()
{
    while (!over_) {
        const auto got = co_await stream_.receive();
        if (over_) break;
        if (!got)
            co_return end(
                fmt::format("reading the stream: {}", stream_.why().empty() ? got.error().message() : stream_.why()));
        if (const auto* alive = std::get_if<keepalive>(&*got)) {
            progress_.passed(alive->end);
            changed();
            continue;
        }
        const auto what = decode(std::get<log_data>(*got).payload);
        const auto taken = what ? take(*what) : result<void>{what.error()};
        if (!taken) co_return end(fmt::format("reading the stream: {}", taken.error().message()));
        while (!over_ && (progress_.bytes() > most_bytes_open || progress_.open() > most_open))
            co_await wait_for_change(beat_interval);
    }
}

asio::awaitable<void> feed::publish()
{
    asio::steady_timer next_write{on_.loop};
    while (!over_) {
        boost::system::error_code woken;
        co_await next_write.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (over_) break;
        const auto batch = progress_.next(coherence::most_entry_bytes);
        if (batch.empty()) {
            co_await wait_for_change(beat_interval);
            continue;
        }
        next_write.expires_after(write_interval);
        const bool written = co_await write(batch);
        if (!written) break;
        progress_.written();
        changed();
    }
    progress_.not_written();
}

/// One script after the other, since one for all would keep Redis from everything else. With the last one all is there.
asio::awaitable<bool> feed::write(progress::batch what)
{
    const auto parts = in_parts(what, coherence::most_entry_bytes);
    for (std::size_t at = 0; at < parts.size(); ++at) {
        relay_log::note with;
        if (at + 1 == parts.size()) {
            purged_said_ = what.done;
            with.purged = format_lsn(what.done);
            for (const auto& [name, end] : what.tokens) with.tokens.emplace_back(name, format_lsn(end));
        }
        const auto done = co_await log_.purge(parts[at].hard, parts[at].soft, with);
        if (over_) co_return false;
        if (!done) {
            end_writing(done.error());
            co_return false;
        }
        counts_.writes.add();
    }
    co_return true;
}

void feed::end_writing(boost::system::error_code failure)
{
    end(log_.fenced() ? "another relay has the slot, or Redis has begun another log"
                      : "writing to Redis: " + failure.message());
}

asio::awaitable<void> feed::look()
{
    auto between = first_look_pause;
    while (!over_) {
        if (push_wanted_) {
            const bool pushed = co_await push();
            if (!pushed) break;
        }
        if (!progress_.unseen() && sight_wanted_ <= sights_) {
            between = first_look_pause;
            co_await wait_for_change(beat_interval);
            continue;
        }
        if (!co_await look_once()) break;
        if (!progress_.unseen()) continue;
        co_await pause(between);
        between = std::min(2 * between, longest_look_pause);
    }
}

asio::awaitable<bool> feed::look_once()
{
    auto found = co_await database_.look(by_->replicas);
    if (over_) co_return false;
    if (!found) {
        end(fmt::format("asking the database what can be seen: {}",
                        database_.why().empty() ? found.error().message() : database_.why()));
        co_return false;
    }
    ++sights_;
    progress_.seen(found->seen, found->replayed_by_all());
    sight_ = *std::move(found);
    if (!by_->replicas.empty()) note_replicas();
    changed();
    co_return true;
}

/// What was committed asynchronously can be seen and is not sent: nothing can be claimed before it is.
asio::awaitable<bool> feed::push()
{
    push_wanted_ = false;
    const auto pushed = co_await database_.push();
    if (!pushed && !over_)
        end(fmt::format("having the database flush its log: {}",
                        database_.why().empty() ? pushed.error().message() : database_.why()));
    co_return !over_;
}

/// What could be seen at a time after this was called.
asio::awaitable<std::optional<sight>> feed::sight_after(std::uint64_t number)
{
    sight_wanted_ = std::max(sight_wanted_, number + 1);
    changed();
    while (!over_ && sights_ <= number) co_await wait_for_change(beat_interval);
    co_return over_ ? std::nullopt : sight_;
}

asio::awaitable<bool> feed::confirm()
{
    const auto sent = co_await stream_.confirm(progress_.received(), noted_);
    if (!sent) end("confirming: " + sent.error().message());
    co_return sent.has_value() && !over_;
}

/// Notes how far everything is, and tells PostgreSQL. Redis' time, or nothing when the attempt is over.
asio::awaitable<std::optional<std::uint64_t>> feed::note(std::uint64_t claim)
{
    const auto done = progress_.done();
    const bool views_proven = views_sight_ && views_current(*views_sight_);
    // A variable: GCC 12 frees such a temporary twice.
    relay_log::pulse pulse{.claim = claim,
                           .position = format_lsn(done),
                           .purged = said_since(progress_.purged(), purged_said_),
                           .viewed = said_since(progress_.viewed(), keeper_->said()),
                           .views_claim = views_proven ? views_claim_ : 0};
    const auto clock = co_await log_.beat(std::move(pulse));
    if (over_) co_return std::nullopt;
    if (!clock) {
        end_writing(clock.error());
        co_return std::nullopt;
    }
    noted_ = done;
    if (views_proven) views_sight_.reset();
    const bool confirmed = co_await confirm();
    co_return confirmed ? std::optional<std::uint64_t>{*clock} : std::nullopt;
}

/// Until everything that `with` could see is in the purge log, however long that takes: a relay that lags has a time to
/// claim, too. False when the attempt is over.
asio::awaitable<bool> feed::catch_up(const sight& with)
{
    auto next_word = boot_clock::now() + push_patience;
    // Not at each change: to ask goes through all that is open.
    asio::steady_timer next_question{on_.loop};
    while (!over_) {
        if (progress_.received() >= with.written && progress_.caught_up(with.seen)) co_return true;
        next_question.expires_after(write_interval);
        boost::system::error_code woken;
        co_await next_question.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (over_ || boot_clock::now() < next_word) continue;
        next_word = boot_clock::now() + beat_interval;
        push_wanted_ = progress_.received() < with.written;
        if (push_wanted_) changed();
        const auto noted = co_await note(0);
        if (!noted) break;
    }
    co_return false;
}

asio::awaitable<void> feed::beat()
{
    while (!over_) {
        const auto asked = boot_clock::now();
        const auto time = co_await note(0);
        if (!time) break;
        // A look may be under way that began before the clock was read.
        const auto with = co_await sight_after(sights_ + 1);
        if (!with) break;
        if (!views_sight_) {
            views_claim_ = *time;
            views_sight_ = with;
        }
        const bool proven = co_await catch_up(*with);
        if (!proven) break;
        const auto claimed = co_await note(*time);
        if (!claimed) break;
        standing_.current_at = asked;
        while (!over_ && boot_clock::now() < asked + beat_interval)
            co_await wait_for_change(asked + beat_interval - boot_clock::now());
    }
}

/// A schema that rules no longer fit ends the attempt, and voids what is cached: some of it may have been missed.
asio::awaitable<void> feed::review_on()
{
    auto to = by_->database;
    to.application = "shoal " + on_.worker_name + " review";
    const auto connected = co_await reviewer_.connect(to);
    if (!connected) co_return end(fmt::format("connecting to the database: {}", reviewer_.why()));
    while (!over_) {
        if (!std::exchange(review_wanted_, false)) {
            review_pause_.expires_after(review_interval);
            boost::system::error_code woken;
            co_await review_pause_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            review_wanted_ = false;
        }
        if (over_) break;
        const auto refused = co_await refused_rule(reviewer_);
        if (over_) break;
        if (!refused)
            co_return end(fmt::format("reading the database's catalog: {}",
                                      reviewer_.why().empty() ? refused.error().message() : reviewer_.why()));
        if (refused->empty()) {
            const bool known = co_await review_views(reviewer_);
            if (over_) break;
            if (!known) co_return end(standing_.why);
            keeper_->reviewed(unfit_views_);
            continue;
        }
        const std::string nothing;
        const auto position = format_lsn(noted_);
        // Whoever attaches next does not go on from here.
        const auto forgotten = co_await log_.attach(nothing, position, nothing);
        if (!forgotten) co_return end("writing to Redis: " + forgotten.error().message());
        co_return end(*refused);
    }
}

bool feed::views_current(const sight& with) const noexcept
{
    return !by_->views.empty() && progress_.received() >= with.written && progress_.views_caught_up(with.seen);
}

}  // namespace shoal::relay
