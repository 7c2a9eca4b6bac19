#include "services/views/query/cursor.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace shoal::views {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t score_bytes = sizeof(double);

std::string encode(std::string_view data)
{
    std::string made;
    made.reserve((data.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : data) {
        bits = bits << 8U | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) made.push_back(alphabet[bits >> (count - 6) & 63U]);
    }
    if (count > 0) made.push_back(alphabet[bits << (6 - count) & 63U]);
    return made;
}

std::optional<std::string> decode(std::string_view text)
{
    std::string made;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const auto* const at = std::ranges::find(alphabet, c);
        if (at == alphabet.end()) return std::nullopt;
        bits = bits << 6U | static_cast<std::uint32_t>(at - alphabet.begin());
        count += 6;
        if (count < 8) continue;
        count -= 8;
        made.push_back(static_cast<char>(bits >> count & 255U));
    }
    return made;
}

}  // namespace

std::string to_text(const cursor& from)
{
    std::string data;
    const auto bits = std::bit_cast<std::uint64_t>(from.score);
    for (unsigned shift = 64; shift > 0; shift -= 8) data.push_back(static_cast<char>(bits >> (shift - 8) & 255U));
    return encode(data.append(from.member));
}

std::optional<cursor> parse_cursor(std::string_view text)
{
    const auto data = decode(text);
    if (!data || data->size() < score_bytes) return std::nullopt;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < score_bytes; ++i) bits = bits << 8U | static_cast<unsigned char>((*data)[i]);
    cursor made{std::bit_cast<double>(bits), data->substr(score_bytes)};
    if (std::isnan(made.score) || to_text(made) != text) return std::nullopt;
    return made;
}

}  // namespace shoal::views
