#include "services/limiter/verdict.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

namespace shoal::limiter {
namespace {

constexpr std::int64_t us_per_ms = 1000;
constexpr std::int64_t ms_per_s = 1000;
constexpr std::int64_t us_per_s = 1'000'000;
/// Holds every verdict, so that it is allocated once.
constexpr std::size_t usual_body_bytes = 160;
constexpr std::size_t most_digits = 20;

std::int64_t divide_up(std::int64_t value, std::int64_t by) noexcept
{
    return (value + by - 1) / by;
}

void append(std::string& into, std::string_view name, std::int64_t number)
{
    std::array<char, most_digits> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    into.append(name).append(digits.data(), end);
}

void append_opinion(std::string& into, verdict::shadow opinion)
{
    if (opinion == verdict::shadow::off) return;
    into.append(opinion == verdict::shadow::allowed ? R"(,"shadow":"allowed")" : R"(,"shadow":"refused")");
}

}  // namespace

verdict verdict_of(const rule& by, const outcome& made) noexcept
{
    const bool allowed = made.granted || by.shadow;
    verdict said{.allowed = allowed,
                 .limit = by.limit,
                 .remaining = made.after.remaining,
                 .reset_ms = divide_up(made.after.reset_us, us_per_ms),
                 .retry_after_ms = allowed ? 0 : divide_up(made.after.retry_after_us, us_per_ms)};
    if (by.shadow) said.opinion = made.granted ? verdict::shadow::allowed : verdict::shadow::refused;
    return said;
}

void append_members(std::string& into, const verdict& from)
{
    into.append(from.allowed ? R"("allowed":true)" : R"("allowed":false)");
    append(into, R"(,"limit":)", from.limit);
    append(into, R"(,"remaining":)", from.remaining);
    append(into, R"(,"reset_ms":)", from.reset_ms);
    append(into, R"(,"retry_after_ms":)", from.retry_after_ms);
    append_opinion(into, from.opinion);
}

std::string to_json(const verdict& from)
{
    std::string text;
    text.reserve(usual_body_bytes);
    text.append("{");
    append_members(text, from);
    text.append("}\n");
    return text;
}

std::string slot_json(std::string_view id, std::int64_t ttl_ms, const verdict& from)
{
    std::string text;
    text.reserve(usual_body_bytes);
    text.append(R"({"id":")").append(id).append("\"");
    append(text, R"(,"ttl_ms":)", ttl_ms);
    append(text, R"(,"limit":)", from.limit);
    append(text, R"(,"remaining":)", from.remaining);
    append_opinion(text, from.opinion);
    text.append("}\n");
    return text;
}

std::string refund_json(std::int64_t cells, const verdict& from)
{
    std::string text;
    text.reserve(usual_body_bytes);
    append(text, R"({"refunded":)", cells);
    append(text, R"(,"limit":)", from.limit);
    append(text, R"(,"remaining":)", from.remaining);
    append(text, R"(,"reset_ms":)", from.reset_ms);
    text.append("}\n");
    return text;
}

field_text& field_text::add(std::string_view text) noexcept
{
    assert(text.size() <= bytes_.size() - size_);
    const auto count = std::min(text.size(), bytes_.size() - size_);
    std::memcpy(bytes_.data() + size_, text.data(), count);
    size_ += count;
    return *this;
}

field_text& field_text::add(std::int64_t number) noexcept
{
    std::array<char, most_digits> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return add(std::string_view{digits.data(), end});
}

field_text policy_field(const rule& from) noexcept
{
    field_text text;
    text.add("\"").add(from.name).add("\";q=").add(from.limit);
    if (from.kind == algorithm::concurrency) return text.add(R"(;qu="concurrent-requests")");
    return text.add(";w=").add(std::max<std::int64_t>(1, divide_up(from.period_us, us_per_s)));
}

field_text limit_field(const rule& by, const verdict& from) noexcept
{
    field_text text;
    return text.add("\"").add(by.name).add("\";r=").add(from.remaining).add(";t=").add(reset_seconds(from));
}

std::int64_t reset_seconds(const verdict& from) noexcept
{
    return divide_up(from.reset_ms, ms_per_s);
}

std::int64_t retry_after_seconds(const verdict& from) noexcept
{
    return std::max<std::int64_t>(1, divide_up(from.retry_after_ms, ms_per_s));
}

}  // namespace shoal::limiter
