#include "common/purge_log/writer.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/purge_log/keys.hpp"
#include "common/runtime/task_group.hpp"

namespace shoal::coherence {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Between questions for the members' reports; the first ones come soon, as do most reports.
constexpr std::chrono::nanoseconds least_pause = 500us;
constexpr std::chrono::nanoseconds most_pause = 5ms;

}  // namespace

purge_log_writer::purge_log_writer(const worker::context& from, const lease_terms& terms, purge_log_calls& calls,
                                   log_follower& follower, std::function<void()> progressed)
    : loop_{from.loop},
      tasks_{from.tasks},
      log_{from.log},
      terms_{terms},
      incarnation_{from.incarnation},
      calls_{calls},
      follower_{follower},
      progressed_{std::move(progressed)},
      purges_{from.metrics.add_counter("shoal_cache_purges_total", "Purges that this worker had acknowledged.")},
      seconds_{from.metrics.add_histogram(
          "shoal_cache_purge_seconds", "From asking for a purge to its acknowledgement.", metrics::latency_bounds())},
      next_look_{from.loop}
{
}

asio::awaitable<result<purge_receipt>> purge_log_writer::acknowledge(purge what)
{
    const auto began = boot_clock::now();
    if (what.tags.empty()) co_return purge_receipt{follower_.position(), {}, {}, {}};
    const auto parts = enqueue(what);
    if (!std::exchange(writing_, true)) tasks_.spawn("purges", write());
    for (const auto& part : parts) co_await wait(part);
    for (const auto& part : parts)
        if (part->failure) co_return part->failure;

    const auto& last = *parts.back()->progress;
    purge_receipt made{last.at(), last.confirmed(), last.fenced(), boot_clock::now() - began};
    purges_.add();
    seconds_.observe(std::chrono::duration<double>(made.took).count());
    co_return made;
}

/// What does not fit into the last one that waits goes on in others.
std::vector<purge_log_writer::batch_ptr> purge_log_writer::enqueue(const purge& what)
{
    std::vector<batch_ptr> parts;
    for (const tag each : what.tags) {
        const bool full =
            !queue_.empty() && queue_.back()->hard.size() + queue_.back()->soft.size() >= most_entry_bytes;
        if (queue_.empty() || full) queue_.push_back(std::make_shared<batch>(loop_));
        auto& into = *queue_.back();
        append_bucket(what.soft ? into.soft : into.hard, bucket_of(each));
        if (parts.empty() || parts.back() != queue_.back()) parts.push_back(queue_.back());
    }
    return parts;
}

asio::awaitable<void> purge_log_writer::wait(batch_ptr of)
{
    while (!of->done) {
        boost::system::error_code woken;
        co_await of->over.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
}

/// One at a time: what comes meanwhile goes together.
asio::awaitable<void> purge_log_writer::write()
{
    while (!queue_.empty()) {
        const auto next = std::move(queue_.front());
        queue_.pop_front();
        const auto reply = co_await calls_.purge(follower_.known_epoch(), next->hard, next->soft);
        if (reply.has_value()) {
            written(next, reply.value());
        } else {
            next->failure = reply.error();
            finish(*next);
        }
    }
    writing_ = false;
}

void purge_log_writer::written(const batch_ptr& which, const purge_reply& reply)
{
    follower_.heard_of(reply.at.epoch, reply.received);
    const bool known = follower_.known_epoch() == reply.at.epoch;
    which->progress.emplace(reply.at, reply.received, reply.members, terms_,
                            known ? follower_.reports_count_from() : boot_time::max());
    if (follower_.apply({reply.at, which->hard, which->soft}) || !follower_.joined()) progressed_();
    open_.push_back(which);
    next_look_.cancel();
    if (!std::exchange(watching_, true)) tasks_.spawn("purges to acknowledge", watch());
}

asio::awaitable<void> purge_log_writer::watch()
{
    auto pause = least_pause;
    while (!open_.empty()) {
        co_await ask_members();
        pause = conclude() ? least_pause : std::min(pause * 3 / 2, most_pause);
        if (open_.empty()) break;
        const auto now = boot_clock::now();
        auto until = now + pause;
        for (const auto& each : open_) until = std::min(until, each->progress->next_look(now));
        next_look_.expires_after(until - now);
        boost::system::error_code woken;
        co_await next_look_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (woken) pause = least_pause;
    }
    watching_ = false;
}

/// One question for all that is open.
asio::awaitable<void> purge_log_writer::ask_members()
{
    std::vector<std::string> asked;
    for (const auto& each : open_) {
        each->progress->applied(incarnation_, follower_.position());
        for (const auto& member : each->progress->awaited())
            if (member.incarnation != incarnation_) asked.push_back(member.incarnation);
    }
    if (asked.empty()) co_return;
    std::sort(asked.begin(), asked.end());
    asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
    const std::vector<std::string_view> names{asked.begin(), asked.end()};
    const auto found = co_await calls_.reports(names);
    // Without an answer they are fenced, by and by.
    if (found.has_error()) co_return;
    for (const auto& each : open_)
        for (std::size_t i = 0; i < asked.size(); ++i)
            if (const auto& report = found.value()[i]) each->progress->reported(asked[i], *report);
}

/// Whether any purge is over.
bool purge_log_writer::conclude()
{
    const auto now = boot_clock::now();
    const auto before = open_.size();
    open_.remove_if([this, now](const batch_ptr& each) {
        if (!each->progress->over(now)) return false;
        if (const auto& silent = each->progress->awaited(); !silent.empty())
            tasks_.spawn("fenced members", forget_fenced(silent));
        if (auto departed = each->progress->departed(); !departed.empty())
            tasks_.spawn("departed members", forget(std::move(departed)));
        finish(*each);
        return true;
    });
    return open_.size() != before;
}

asio::awaitable<void> purge_log_writer::forget_fenced(std::vector<acknowledgement::member> members)
{
    for (const auto& each : members) {
        const auto report = read_member_report(each.report);
        log_.warning("a purge was acknowledged without a worker that does not answer",
                     {{"worker", report ? report->name : std::string_view{}}, {"incarnation", each.incarnation}});
    }
    co_await forget(std::move(members));
}

asio::awaitable<void> purge_log_writer::forget(std::vector<acknowledgement::member> members)
{
    // Not done is as well: the next purge meets them, too.
    co_await calls_.forget(members);
}

void purge_log_writer::finish(batch& which)
{
    which.done = true;
    which.over.cancel();
}

}  // namespace shoal::coherence
