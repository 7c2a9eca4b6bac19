#include "common/config/size.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace shoal::config {
namespace {

struct unit {
    std::string_view name;
    std::int64_t bytes;
};

constexpr std::array<unit, 4> units{{{"gb", 1 << 30}, {"mb", 1 << 20}, {"kb", 1 << 10}, {"b", 1}}};

}  // namespace

std::optional<std::int64_t> parse_size(std::string_view text) noexcept
{
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    std::int64_t count = 0;
    if (std::from_chars(text.data(), text.data() + digits, count).ec != std::errc{}) return std::nullopt;
    for (const unit& one : units) {
        if (one.name != text.substr(digits)) continue;
        if (count > std::numeric_limits<std::int64_t>::max() / one.bytes) return std::nullopt;
        return count * one.bytes;
    }
    return std::nullopt;
}

std::string format_size(std::int64_t bytes)
{
    if (bytes == 0) return "0b";
    for (const unit& one : units)
        if (bytes % one.bytes == 0) return fmt::format("{}{}", bytes / one.bytes, one.name);
    return {};
}

}  // namespace shoal::config
