#include "common/config/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

namespace shoal::config {
namespace {

struct unit {
    std::string_view name;
    std::int64_t microseconds;
};

constexpr std::array<unit, 6> units{
    {{"d", 86'400'000'000}, {"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};

}  // namespace

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) noexcept
{
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    std::int64_t count = 0;
    if (std::from_chars(text.data(), text.data() + digits, count).ec != std::errc{}) return std::nullopt;
    for (const unit& one : units) {
        if (one.name != text.substr(digits)) continue;
        if (count > std::numeric_limits<std::int64_t>::max() / one.microseconds) return std::nullopt;
        return std::chrono::microseconds{count * one.microseconds};
    }
    return std::nullopt;
}

std::string format_duration(std::chrono::microseconds length)
{
    if (length.count() == 0) return "0s";
    for (const unit& one : units)
        if (length.count() % one.microseconds == 0)
            return fmt::format("{}{}", length.count() / one.microseconds, one.name);
    return {};
}

}  // namespace shoal::config
