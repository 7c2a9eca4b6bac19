#include "services/cache/site/size.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "common/config/reader.hpp"

namespace shoal::cache {
namespace {

struct unit {
    std::string_view name;
    std::uint64_t bytes;
};

constexpr std::array<unit, 4> units{
    {{"gb", std::uint64_t{1} << 30U}, {"mb", std::uint64_t{1} << 20U}, {"kb", std::uint64_t{1} << 10U}, {"b", 1}}};

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept
{
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    std::uint64_t count = 0;
    if (std::from_chars(text.data(), text.data() + digits, count).ec != std::errc{}) return std::nullopt;
    for (const unit& one : units) {
        if (one.name != text.substr(digits)) continue;
        if (count > UINT64_MAX / one.bytes) return std::nullopt;
        return count * one.bytes;
    }
    return std::nullopt;
}

std::string format_size(std::uint64_t bytes)
{
    if (bytes == 0) return "0b";
    for (const unit& one : units)
        if (bytes % one.bytes == 0) return fmt::format("{}{}", bytes / one.bytes, one.name);
    return {};
}

std::uint64_t read_size(config::object& from, std::string_view name, size_range range, std::uint64_t fallback)
{
    const auto* const value = from.raw(name);
    if (value == nullptr) return fallback;
    const auto size = value->is_string() ? parse_size(value->get_ref<const std::string&>()) : std::nullopt;
    if (size && *size >= range.least && *size <= range.most) return *size;
    from.problem(name, fmt::format("must be a size from \"{}\" to \"{}\" (a whole number and b, kb, mb or gb)",
                                   format_size(range.least), format_size(range.most)));
    return fallback;
}

}  // namespace shoal::cache
