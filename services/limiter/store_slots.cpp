#include "services/limiter/store_slots.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "common/redis/client.hpp"
#include "limiter_service_embedded.hpp"
#include "services/limiter/store_arguments.hpp"

namespace shoal::limiter {
namespace {

constexpr std::int64_t us_per_ms = 1000;

const redis::script& slots_script()
{
    static const redis::script code{"slots", embedded::slots_lua};
    return code;
}

std::string slots_key(const rule& by, std::string_view key)
{
    std::string text;
    text.reserve(by.name.size() + key.size() + 5);
    text.append("s:{").append(by.name).append(":").append(key).append("}");
    return text;
}

/// slots.lua's reply; `done` -1 has only `now_us`.
struct answered {
    std::int64_t done = 0;
    std::int64_t now_us = 0;
    std::int64_t held = 0;
    std::int64_t free_us = 0;
    std::int64_t last_us = 0;
};

std::optional<answered> read(const redis::value& from)
{
    std::size_t count = 0;
    const auto numbers = read_numbers<5>(from, count);
    if (!numbers) return std::nullopt;
    const auto& [done, now, held, free, last] = *numbers;
    if (done < -1 || done > 1 || count != (done < 0 ? 2U : 5U)) return std::nullopt;
    return answered{.done = done, .now_us = now, .held = held, .free_us = free, .last_us = last};
}

outcome outcome_of(const rule& by, const answered& from)
{
    return {.granted = from.done == 1,
            .after = {.remaining = std::max<std::int64_t>(0, by.limit - from.held),
                      .reset_us = from.held > 0 ? from.last_us - from.now_us : 0,
                      .retry_after_us = from.held >= by.limit ? from.free_us - from.now_us : 0}};
}

}  // namespace

struct slot_store::asked {
    std::string_view verb;
    std::string_view id{};
    std::chrono::milliseconds ttl{};
};

boost::asio::awaitable<result<outcome>> slot_store::run(const rule& by, std::string_view key, asked what,
                                                        boot_time deadline)
{
    const auto name = slots_key(by, key);
    const std::array<std::string_view, 1> keys{name};
    // Twice: late by Redis' clock and not by ours means that its clock stepped, and has just told by how much.
    for (int i = 0; i < 2; ++i) {
        const numbers<4> rest{
            {by.limit, what.ttl.count() * us_per_ms, by.max_ttl_ms * us_per_ms, clock_.not_after(deadline)}};
        const auto& [limit, ttl, longest, not_after] = rest.views();
        const std::array<std::string_view, 6> arguments{what.verb, what.id, limit, ttl, longest, not_after};
        const auto reply = co_await state_.eval(slots_script(), keys, arguments, deadline);
        if (reply.has_error()) co_return reply.error();
        const auto answer = read(reply.value());
        if (!answer) co_return make_error_code(errc::redis_unexpected_reply);
        clock_.heard(answer->now_us);
        if (answer->done >= 0) co_return outcome_of(by, *answer);
        if (boot_clock::now() >= deadline) break;
    }
    co_return make_error_code(errc::deadline_exceeded);
}

boost::asio::awaitable<result<outcome>> slot_store::acquire(const rule& by, std::string_view key, std::string_view id,
                                                            std::chrono::milliseconds ttl, boot_time deadline)
{
    return run(by, key, {.verb = "acquire", .id = id, .ttl = ttl}, deadline);
}

boost::asio::awaitable<result<outcome>> slot_store::renew(const rule& by, std::string_view key, std::string_view id,
                                                          std::chrono::milliseconds ttl, boot_time deadline)
{
    return run(by, key, {.verb = "renew", .id = id, .ttl = ttl}, deadline);
}

boost::asio::awaitable<result<outcome>> slot_store::release(const rule& by, std::string_view key, std::string_view id,
                                                            boot_time deadline)
{
    return run(by, key, {.verb = "release", .id = id}, deadline);
}

boost::asio::awaitable<result<outcome>> slot_store::peek(const rule& by, std::string_view key, boot_time deadline)
{
    return run(by, key, {.verb = "peek"}, deadline);
}

boost::asio::awaitable<result<void>> slot_store::forget(const rule& by, std::string_view key, boot_time deadline)
{
    const auto name = slots_key(by, key);
    const std::array<std::string_view, 2> arguments{"DEL", name};
    const auto answer = co_await state_.command(arguments, deadline);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

}  // namespace shoal::limiter
