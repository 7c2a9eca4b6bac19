#include "services/limiter/store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "common/redis/client.hpp"
#include "limiter_service_embedded.hpp"

namespace shoal::limiter {
namespace {

const redis::script& take_script()
{
    static const redis::script code{"take", embedded::take_lua};
    return code;
}

/// The rule's name has no ':', so that rule and key can't run into each other; the braces keep all that
/// belongs to the key in one slot.
std::string cell_key(const rule& by, std::string_view key)
{
    std::string text;
    text.reserve(by.name.size() + key.size() + 8);
    text.append("l:{").append(by.name).append(":").append(key).append("}");
    return text;
}

/// Whole numbers as script arguments, without an allocation.
template <std::size_t Count>
class numbers {
public:
    explicit numbers(const std::array<std::int64_t, Count>& values)
    {
        for (std::size_t i = 0; i < Count; ++i) {
            const auto end = std::to_chars(digits_[i].data(), digits_[i].data() + digits_[i].size(), values[i]).ptr;
            views_[i] = {digits_[i].data(), static_cast<std::size_t>(end - digits_[i].data())};
        }
    }
    numbers(const numbers&) = delete;
    numbers& operator=(const numbers&) = delete;

    [[nodiscard]] const std::array<std::string_view, Count>& views() const { return views_; }

private:
    std::array<std::array<char, 20>, Count> digits_{};
    std::array<std::string_view, Count> views_{};
};

/// take.lua's reply; `verdict` -1 has only `now`.
struct reply {
    std::int64_t verdict = 0;
    std::int64_t now_us = 0;
    cell after;
    rate judged;
};

std::optional<reply> read_reply(const redis::value& from)
{
    const auto* parts = from.array();
    if (parts == nullptr || (parts->size() != 2 && parts->size() != 7)) return std::nullopt;
    std::array<std::int64_t, 7> numbers{};
    for (std::size_t i = 0; i < parts->size(); ++i) {
        const auto* number = (*parts)[i].integer();
        if (number == nullptr) return std::nullopt;
        numbers[i] = *number;
    }
    const bool late = numbers[0] == -1;
    if (late != (parts->size() == 2)) return std::nullopt;
    return reply{.verdict = numbers[0],
                 .now_us = numbers[1],
                 .after = {.base_us = numbers[2], .taken = numbers[3]},
                 .judged = {.period_us = numbers[4], .limit = numbers[5], .burst = numbers[6]}};
}

std::int64_t microseconds(boot_time at) noexcept
{
    return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}

}  // namespace

store::store(redis::client& state, std::chrono::milliseconds timeout) : state_{state}, timeout_{timeout} {}

std::int64_t store::not_after(boot_time deadline) const noexcept
{
    if (!offset_known_) return std::numeric_limits<std::int64_t>::max() / 2;
    return offset_us_ + microseconds(std::min(deadline, boot_clock::now() + timeout_));
}

boost::asio::awaitable<result<outcome>> store::take(const rule& by, std::string_view key, std::int64_t cost,
                                                    boot_time deadline)
{
    const std::string name = cell_key(by, key);
    auto answer = co_await run(name, by, cost, deadline);
    // Too late by Redis' clock and not by ours: the clock stepped, and its reply has just told by how much.
    if (answer.has_error() && answer.error() == errc::deadline_exceeded && boot_clock::now() < deadline)
        answer = co_await run(name, by, cost, deadline);
    co_return answer;
}

boost::asio::awaitable<result<outcome>> store::run(std::string_view cell_key, const rule& by, std::int64_t cost,
                                                   boot_time deadline)
{
    const std::array<std::string_view, 1> keys{cell_key};
    const numbers<6> arguments{
        {cost, by.decide.period_us, by.decide.limit, by.decide.burst, by.version, not_after(deadline)}};
    const auto answer = co_await state_.eval(take_script(), keys, arguments.views(), deadline);
    if (answer.has_error()) co_return answer.error();

    const auto read = read_reply(answer.value());
    if (!read) co_return make_error_code(errc::redis_unexpected_reply);
    offset_us_ = read->now_us - microseconds(boot_clock::now());
    offset_known_ = true;
    if (read->verdict < 0) co_return make_error_code(errc::deadline_exceeded);
    co_return outcome{
        .made = {.granted = read->verdict == 1, .after = read->after}, .judged = read->judged, .now_us = read->now_us};
}

boost::asio::awaitable<result<void>> store::forget(const rule& by, std::string_view key, boot_time deadline)
{
    const std::string name = cell_key(by, key);
    const std::array<std::string_view, 2> arguments{"DEL", name};
    const auto answer = co_await state_.command(arguments, deadline);
    if (answer.has_error()) co_return answer.error();
    co_return boost::system::in_place_value;
}

}  // namespace shoal::limiter
