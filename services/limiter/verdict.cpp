#include "services/limiter/verdict.hpp"

#include <algorithm>

namespace shoal::limiter {
namespace {

constexpr std::int64_t us_per_ms = 1000;
constexpr std::int64_t ms_per_s = 1000;
constexpr std::int64_t us_per_s = 1'000'000;

std::int64_t divide_up(std::int64_t value, std::int64_t by) noexcept
{
    return (value + by - 1) / by;
}

}  // namespace

verdict verdict_of(const rule& by, const rate& judged, const decision& made, std::int64_t cost,
                   std::int64_t now_us) noexcept
{
    const standing after = standing_of(judged, made.after, cost, now_us);
    return {.allowed = made.granted,
            .limit = by.limit,
            .remaining = after.remaining,
            .reset_ms = divide_up(after.reset_us, us_per_ms),
            .retry_after_ms = made.granted ? 0 : divide_up(after.retry_after_us, us_per_ms)};
}

std::string to_json(const verdict& from)
{
    std::string text;
    text.reserve(112);
    text.append(R"({"allowed":)").append(from.allowed ? "true" : "false");
    text.append(R"(,"limit":)").append(std::to_string(from.limit));
    text.append(R"(,"remaining":)").append(std::to_string(from.remaining));
    text.append(R"(,"reset_ms":)").append(std::to_string(from.reset_ms));
    text.append(R"(,"retry_after_ms":)").append(std::to_string(from.retry_after_ms)).append("}\n");
    return text;
}

std::string policy_field(const rule& from)
{
    const std::int64_t window_s = std::max<std::int64_t>(1, divide_up(from.period_us, us_per_s));
    return '"' + from.name + "\";q=" + std::to_string(from.limit) + ";w=" + std::to_string(window_s);
}

std::string limit_field(const rule& by, const verdict& from)
{
    return '"' + by.name + "\";r=" + std::to_string(from.remaining) +
           ";t=" + std::to_string(divide_up(from.reset_ms, ms_per_s));
}

std::string retry_after_field(const verdict& from)
{
    return std::to_string(std::max<std::int64_t>(1, divide_up(from.retry_after_ms, ms_per_s)));
}

}  // namespace shoal::limiter
