#include "common/coherence/lsn.hpp"

#include <fmt/format.h>

#include <charconv>

namespace shoal::coherence {
namespace {

constexpr std::size_t most_digits = 8;

std::optional<std::uint32_t> parse_half(std::string_view digits) noexcept
{
    if (digits.size() > most_digits) return std::nullopt;
    std::uint32_t made = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, failure] = std::from_chars(digits.data(), end, made, 16);
    if (failure != std::errc{} || stopped != end) return std::nullopt;
    return made;
}

}  // namespace

std::string format_lsn(lsn position)
{
    return fmt::format("{:X}/{:X}", position >> 32U, position & 0xFFFF'FFFFU);
}

std::optional<lsn> parse_lsn(std::string_view text) noexcept
{
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto high = parse_half(text.substr(0, slash));
    const auto low = parse_half(text.substr(slash + 1));
    if (!high || !low) return std::nullopt;
    return lsn{*high} << 32U | *low;
}

}  // namespace shoal::coherence
