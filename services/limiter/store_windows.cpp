#include "services/limiter/store_windows.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>

#include "common/redis/client.hpp"
#include "limiter_service_embedded.hpp"
#include "services/limiter/store_arguments.hpp"
#include "services/limiter/window.hpp"

namespace shoal::limiter {
namespace {

/// Redis' clock may pass a window's end, or step, between a reply and the next try.
constexpr int most_tries = 3;
/// More calendars than rules: those of rules that are gone.
constexpr std::size_t most_calendars = 1000;

enum class verdict_of_script : std::int64_t { refused = 0, granted = 1, late = -1, elsewhere = -2, other_cost = -3 };

const redis::script& window_script()
{
    static const redis::script code{"window", embedded::window_lua};
    return code;
}

const redis::script& undo_script()
{
    static const redis::script code{"window_undo", embedded::window_undo_lua};
    return code;
}

std::string counter_key(const rule& by, std::string_view key)
{
    std::string text;
    text.reserve(by.name.size() + key.size() + 5);
    text.append("w:{").append(by.name).append(":").append(key).append("}");
    return text;
}

/// The key's size keeps two pairs of key and idempotency key apart, whatever characters they have.
std::string first_key(const rule& by, std::string_view key, std::string_view idempotency_key)
{
    std::string text;
    text.reserve(by.name.size() + key.size() + idempotency_key.size() + 10);
    text.append("wi").append(std::to_string(key.size())).append(":{").append(by.name).append(":").append(key);
    text.append("}:").append(idempotency_key);
    return text;
}

}  // namespace

struct window_store::asked {
    std::int64_t cost = 0;
    std::int64_t refund = 0;
    std::string_view idempotency_key{};
};

/// window.lua's reply; only `verdict` and `now_us` when nothing was decided.
struct window_store::answered {
    verdict_of_script verdict{};
    std::int64_t now_us = 0;
    std::int64_t decided_us = 0;
    bool replayed = false;
    counter after;
    std::int64_t given_back = 0;

    static std::optional<answered> read(const redis::value& from)
    {
        std::size_t count = 0;
        const auto read = read_numbers<9>(from, count);
        if (!read) return std::nullopt;
        const auto& [verdict, now, decided, replayed, begin, end, taken, limit, given] = *read;
        if (verdict < -3 || verdict > 1 || count != (verdict < 0 ? 2U : 9U)) return std::nullopt;
        return answered{.verdict = static_cast<verdict_of_script>(verdict),
                        .now_us = now,
                        .decided_us = decided,
                        .replayed = replayed == 1,
                        .after = {.in = {.begin_us = begin, .end_us = end}, .taken = taken, .limit = limit},
                        .given_back = given};
    }
};

const window& window_store::around(const std::shared_ptr<const calendar>& in, std::int64_t now_us)
{
    auto found = latest_.find(in.get());
    if (found == latest_.end()) {
        if (latest_.size() >= most_calendars) latest_.clear();
        found = latest_.emplace(in.get(), latest{.of = in, .in = {}}).first;
    }
    auto& known = found->second.in;
    if (now_us < known.begin_us || now_us >= known.end_us) known = in->around(now_us);
    return known;
}

boost::asio::awaitable<result<window_store::answered>> window_store::run(const rule& by, std::string_view key,
                                                                         asked what, boot_time deadline)
{
    std::array<std::string, 2> names{counter_key(by, key)};
    if (!what.idempotency_key.empty()) names[1] = first_key(by, key, what.idempotency_key);
    const std::array<std::string_view, 2> keys{names[0], names[1]};
    const std::span used{keys.data(), what.idempotency_key.empty() ? 1U : 2U};

    auto now_us = clock_.at(boot_clock::now());
    for (int i = 0; i < most_tries; ++i) {
        const window in = around(by.windows, now_us);
        const numbers<7> arguments{
            {what.cost, what.refund, by.limit, by.version, clock_.not_after(deadline), in.begin_us, in.end_us}};
        const auto reply = co_await state_.eval(window_script(), used, arguments.views(), deadline);
        if (reply.has_error()) co_return reply.error();
        auto read = answered::read(reply.value());
        if (!read) co_return make_error_code(errc::redis_unexpected_reply);
        clock_.heard(read->now_us);
        const bool undecided =
            read->verdict == verdict_of_script::late || read->verdict == verdict_of_script::elsewhere;
        if (!undecided) co_return *read;
        // Late by Redis' clock and not by ours: its clock stepped, and has just told by how much.
        if (boot_clock::now() >= deadline) break;
        now_us = read->now_us;
    }
    co_return make_error_code(errc::deadline_exceeded);
}

boost::asio::awaitable<result<outcome>> window_store::take(const rule& by, std::string_view key, std::int64_t cost,
                                                           boot_time deadline, std::string_view idempotency_key,
                                                           window& in)
{
    const auto answer = co_await run(by, key, {.cost = cost, .idempotency_key = idempotency_key}, deadline);
    if (answer.has_error()) co_return answer.error();
    if (answer->verdict == verdict_of_script::other_cost) co_return outcome{.after = {}, .other_cost = true};
    in = answer->after.in;
    co_return outcome{.granted = answer->verdict == verdict_of_script::granted,
                      .after = standing_of(answer->after, cost, answer->decided_us),
                      .replayed = answer->replayed};
}

boost::asio::awaitable<result<outcome>> window_store::peek(const rule& by, std::string_view key, std::int64_t cost,
                                                           boot_time deadline)
{
    const auto answer = co_await run(by, key, {}, deadline);
    if (answer.has_error()) co_return answer.error();
    const auto after = standing_of(answer->after, cost, answer->decided_us);
    co_return outcome{.granted = after.retry_after_us == 0, .after = after};
}

boost::asio::awaitable<result<refunded>> window_store::refund(const rule& by, std::string_view key, std::int64_t cost,
                                                              boot_time deadline)
{
    const auto answer = co_await run(by, key, {.refund = cost}, deadline);
    if (answer.has_error()) co_return answer.error();
    co_return refunded{.cells = answer->given_back, .after = standing_of(answer->after, 1, answer->decided_us)};
}

boost::asio::awaitable<result<void>> window_store::undo(const rule& by, std::string_view key, std::int64_t cost,
                                                        window in)
{
    const auto name = counter_key(by, key);
    const std::array<std::string_view, 1> keys{name};
    const numbers<2> arguments{{cost, in.begin_us}};
    const auto answer = co_await state_.eval(undo_script(), keys, arguments.views());
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

boost::asio::awaitable<result<void>> window_store::forget(const rule& by, std::string_view key, boot_time deadline)
{
    const auto name = counter_key(by, key);
    const std::array<std::string_view, 2> arguments{"DEL", name};
    const auto answer = co_await state_.command(arguments, deadline);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

}  // namespace shoal::limiter
