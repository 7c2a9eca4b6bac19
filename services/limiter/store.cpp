#include "services/limiter/store.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shoal::limiter {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;

/// Keys that are asked for within `idle_us`; what is older has no lease and no refusal left to remember.
constexpr std::size_t most_remembered = 65'536;
constexpr std::int64_t idle_us = 200'000;
/// How long a window's refusal is remembered: DELETE, a refund and a raised limit must show within this.
constexpr auto longest_memory = 50ms;

std::int64_t now_us() noexcept
{
    return microseconds(boot_clock::now());
}

awaitable<void> pause(std::chrono::microseconds time)
{
    boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, time};
    co_await timer.async_wait(boost::asio::use_awaitable);
}

outcome denied_before(const outcome& said, std::int64_t since_us) noexcept
{
    outcome made = said;
    made.by = decided_by::memory;
    made.after.retry_after_us -= since_us;
    made.after.reset_us -= since_us;
    return made;
}

std::optional<outcome> tell(account& by, const waiter& one, std::int64_t now_us)
{
    if (one.counted)
        if (const auto made = by.hand_out(one.cost, now_us)) return made;
    return by.decide(one.by.version, one.cost, now_us);
}

}  // namespace

store::store(redis::client& state, std::chrono::milliseconds timeout)
    : clock_{timeout},
      cells_{state, clock_},
      windows_{state, clock_},
      slots_{state, clock_},
      accounts_{most_remembered, idle_us, std::random_device{}()},
      refusals_{most_remembered, idle_us, std::random_device{}()}
{
}

store::taken store::take(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline)
{
    if (by.kind == algorithm::window) return take_in_window(by, key, cost, deadline);
    tag_.clear();
    cell_store::append_tag(tag_, by, key);
    const auto now = now_us();
    // A rule without leases has accounts for keys that were refused only.
    keeper* const kept = most_leased(by.decide) >= 2 ? &accounts_.find_or_add(tag_, now) : accounts_.find(tag_, now);
    if (kept != nullptr) {
        kept->of.arrived(by.decide, cost, now);
        if (!kept->asking)
            if (const auto made = kept->of.decide(by.version, cost, now)) return *made;
    }
    return ask_cell(by, tag_, cost, deadline);
}

store::decided store::ask_cell(const rule& by, std::string tag, std::int64_t cost, boot_time deadline)
{
    auto now = now_us();
    auto* kept = accounts_.find(tag, now);
    std::shared_ptr<flight> others;
    if (kept != nullptr && kept->asking) {
        waiter own{co_await boost::asio::this_coro::executor, by, cost, deadline};
        co_await own.wait(*kept->asking);
        if (own.ended == waiter::fate::decided) co_return own.made;
        if (own.ended == waiter::fate::late) co_return make_error_code(errc::deadline_exceeded);
        // What the other one asked for may have run, but nothing of it was for this request.
        if (own.ended == waiter::fate::failed) co_return make_error_code(errc::redis_unavailable);
        others = std::move(own.leads);
        now = now_us();
        kept = accounts_.find(tag, now);
    }
    ask asked{.cost = cost};
    if (kept != nullptr) asked = kept->of.next(by.decide, cost, others ? others->count_crowd() : 0, now);
    if (asked.crowd > 0) co_return co_await ask_for_many(by, std::move(tag), asked, std::move(others));
    if (others) disperse(tag, *others);
    const auto answer = co_await operate(by, tag, asked, deadline);
    if (answer.has_error()) co_return answer.error();
    co_return answer->made;
}

/// Others wait for it, so that it is not bounded by the deadline of the request that happened to be first.
store::decided store::ask_for_many(const rule& by, std::string tag, ask asked, std::shared_ptr<flight> others)
{
    if (!others) others = std::make_shared<flight>();
    accounts_.find_or_add(tag, now_us()).asking = others;
    result<answered> answer = errc::redis_unavailable;
    try {
        answer = co_await operate(by, tag, asked, boot_time::max());
    } catch (...) {
        land(tag, *others, true);
        throw;
    }
    land(tag, *others, answer.has_error());
    if (answer.has_error()) co_return answer.error();
    co_return answer->made;
}

void store::land(std::string_view tag, flight& of, bool failed)
{
    const auto now = boot_clock::now();
    auto* const kept = accounts_.find(tag, microseconds(now));
    std::shared_ptr<flight> next;
    while (!of.waiting.empty()) {
        waiter& one = of.waiting.front();
        of.waiting.pop_front();
        if (failed || now >= one.deadline) {
            one.end(failed ? waiter::fate::failed : waiter::fate::late);
        } else if (const auto made = kept != nullptr ? tell(kept->of, one, microseconds(now)) : std::nullopt) {
            one.made = *made;
            one.end(waiter::fate::decided);
        } else if (next) {
            next->waiting.push_back(one);
        } else {
            one.leads = next = std::make_shared<flight>();
            one.end(waiter::fate::asks);
        }
    }
    if (kept != nullptr && (!kept->asking || kept->asking.get() == &of)) kept->asking = next;
}

void store::disperse(std::string_view tag, flight& of)
{
    while (!of.waiting.empty()) {
        waiter& one = of.waiting.front();
        of.waiting.pop_front();
        one.end(waiter::fate::asks);
    }
    if (auto* const kept = accounts_.find(tag, now_us()); kept != nullptr && kept->asking.get() == &of)
        kept->asking.reset();
}

ask store::next(const rule& by, std::string_view tag, std::int64_t cost)
{
    const auto now = now_us();
    auto* const kept = accounts_.find(tag, now);
    return kept == nullptr ? ask{.cost = cost} : kept->of.next(by.decide, cost, 0, now);
}

awaitable<result<store::answered>> store::operate(const rule& by, std::string_view tag, ask asked, boot_time deadline,
                                                  std::string_view idempotency_key)
{
    const auto sent = now_us();
    auto answer = co_await cells_.run(tag, by, asked, deadline, idempotency_key);
    if (answer.has_error()) co_return answer.error();
    const auto& heard = answer->heard;
    answered made{.reply = *answer, .made = {}};
    made.made.replayed = answer->replayed;
    made.made.other_cost = answer->other_cost;
    if (answer->other_cost) co_return made;
    made.made.granted = heard.made.granted;
    made.made.leased = heard.made.leased ? heard.made.cells - asked.cost : 0;
    made.made.returned = heard.made.returned;
    keeper* const kept = answer->replayed ? nullptr : learn(by, tag, asked, heard, sent);
    made.made.after = kept != nullptr ? kept->of.standing_at(asked.cost, now_us())
                                      : standing_of(heard.judged, heard.made.after, asked.cost, heard.now_us);
    co_return made;
}

store::keeper* store::learn(const rule& by, std::string_view tag, const ask& asked, const ruling& heard,
                            std::int64_t sent_us)
{
    const auto now = now_us();
    keeper* kept = accounts_.find(tag, now);
    if (kept == nullptr && !heard.made.granted) kept = &accounts_.find_or_add(tag, now);
    if (kept != nullptr) kept->of.learn(by.version, asked, heard, sent_us, now);
    return kept;
}

store::decided store::take_once(const rule& by, std::string_view key, std::int64_t cost,
                                std::string_view idempotency_key, boot_time deadline)
{
    if (by.kind == algorithm::window) {
        window ignored;
        co_return co_await windows_.take(by, key, cost, deadline, idempotency_key, ignored);
    }
    std::string tag;
    cell_store::append_tag(tag, by, key);
    ask asked = next(by, tag, cost);
    asked.crowd = asked.wanted = 0;
    const auto answer = co_await operate(by, tag, asked, deadline, idempotency_key);
    if (answer.has_error()) co_return answer.error();
    // Answered from the record, and nothing was settled: what is left of the lease goes back by itself.
    if ((answer->made.replayed || answer->made.other_cost) && asked.settles)
        (void)co_await operate(by, tag, {.settles = asked.settles}, deadline);
    co_return answer->made;
}

store::decided store::take_tentatively(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline,
                                       receipt& into)
{
    into = {.cost = cost, .cells = {}, .taken_in = {}};
    if (by.kind == algorithm::window) co_return co_await windows_.take(by, key, cost, deadline, {}, into.taken_in);
    std::string tag;
    cell_store::append_tag(tag, by, key);
    ask asked = next(by, tag, cost);
    asked.crowd = cost;
    asked.wanted = 0;
    const auto answer = co_await operate(by, tag, asked, deadline);
    if (answer.has_error()) co_return answer.error();
    const auto& heard = answer->reply.heard;
    into.cells = {.before = heard.made.before,
                  .after = heard.made.after,
                  .granted = cost,
                  .unspent = cost,
                  .version = heard.version};
    co_return answer->made;
}

awaitable<void> store::undo(const rule& by, std::string_view key, receipt of)
{
    if (by.kind == algorithm::window) {
        (void)co_await windows_.undo(by, key, of.cost, of.taken_in);
        co_return;
    }
    std::string tag;
    cell_store::append_tag(tag, by, key);
    (void)co_await operate(by, tag, {.settles = of.cells}, boot_time::max());
}

store::decided store::peek(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline)
{
    if (by.kind == algorithm::concurrency) co_return co_await slots_.peek(by, key, deadline);
    if (by.kind == algorithm::window) co_return co_await windows_.peek(by, key, cost, deadline);
    std::string tag;
    cell_store::append_tag(tag, by, key);
    // The owner of a hot key knows, and would lose its lease by asking.
    if (auto* const kept = accounts_.find(tag, now_us()))
        if (const auto known = kept->of.peek(by.version, cost, now_us())) co_return *known;
    const auto answer = co_await operate(by, tag, next(by, tag, 0), deadline);
    if (answer.has_error()) co_return answer.error();
    outcome made = answer->made;
    made.after = standing_now(tag, answer->reply, cost);
    made.granted = made.after.retry_after_us == 0;
    co_return made;
}

standing store::standing_now(std::string_view tag, const cell_reply& from, std::int64_t cost)
{
    const auto now = now_us();
    if (auto* const kept = accounts_.find(tag, now)) return kept->of.standing_at(cost, now);
    return standing_of(from.heard.judged, from.heard.made.after, cost, from.heard.now_us);
}

awaitable<result<refunded>> store::refund(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline)
{
    std::string tag;
    cell_store::append_tag(tag, by, key);
    if (by.kind == algorithm::window) {
        if (auto* const seen = refusals_.find(tag, now_us())) seen->until_us = 0;
        co_return co_await windows_.refund(by, key, cost, deadline);
    }
    ask asked = next(by, tag, 0);
    asked.refund = cost;
    const auto answer = co_await operate(by, tag, asked, deadline);
    if (answer.has_error()) co_return answer.error();
    co_return refunded{.cells = answer->reply.heard.made.refunded, .after = standing_now(tag, answer->reply, 1)};
}

awaitable<result<void>> store::forget(const rule& by, std::string_view key, boot_time deadline)
{
    if (by.kind == algorithm::concurrency) co_return co_await slots_.forget(by, key, deadline);
    std::string tag;
    cell_store::append_tag(tag, by, key);
    const bool window = by.kind == algorithm::window;
    const auto done = window ? co_await windows_.forget(by, key, deadline) : co_await cells_.forget(tag, deadline);
    if (done.has_error()) co_return done;
    // Redis answers in order: whatever this worker asked before has been learned by now.
    if (auto* const kept = accounts_.find(tag, now_us())) kept->of.forget();
    if (auto* const seen = refusals_.find(tag, now_us())) seen->until_us = 0;
    co_await pause(window ? longest_memory : std::chrono::microseconds{lease_span_us(by.decide)});
    co_return done;
}

store::taken store::take_in_window(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline)
{
    tag_.clear();
    cell_store::append_tag(tag_, by, key);
    const auto now = now_us();
    const auto* const seen = refusals_.find(tag_, now);
    if (seen != nullptr && seen->version == by.version && cost >= seen->cost && now < seen->until_us &&
        seen->said.after.retry_after_us > now - seen->at_us)
        return denied_before(seen->said, now - seen->at_us);
    return ask_window(by, key, cost, deadline);
}

store::decided store::ask_window(const rule& by, std::string_view key, std::int64_t cost, boot_time deadline)
{
    const auto sent = boot_clock::now();
    window ignored;
    const auto made = co_await windows_.take(by, key, cost, deadline, {}, ignored);
    if (made.has_error() || made->granted) co_return made;
    std::string tag;
    cell_store::append_tag(tag, by, key);
    refusals_.find_or_add(tag, now_us()) = {.said = *made,
                                            .cost = cost,
                                            .version = by.version,
                                            .at_us = now_us(),
                                            .until_us = microseconds(sent + longest_memory)};
    co_return made;
}

awaitable<void> store::drain()
{
    struct debt {
        std::string tag;
        settlement left;
    };
    std::vector<debt> owed;
    accounts_.for_each([&owed](const std::string& tag, keeper& kept) {
        if (auto left = kept.of.surrender(); left && left->unspent > 0) owed.push_back({tag, *left});
    });
    // The cell carries its rule; one that is older than every other only asks what is to be given back.
    rule any;
    any.version = -1;
    for (const auto& one : owed) (void)co_await cells_.run(one.tag, any, {.settles = one.left}, boot_time::max());
}

}  // namespace shoal::limiter
