#include "common/core/text.hpp"

#include <cstdint>

namespace shoal {
namespace {

int hex_value(char digit) noexcept
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/// Bytes in the sequence that a lead byte begins, with the least code point it may carry; 0 for no lead byte.
struct sequence {
    std::size_t length;
    std::uint32_t lead_bits;
    std::uint32_t least;
};

sequence sequence_of(unsigned char lead) noexcept
{
    if (lead < 0x80) return {1, lead, 0};
    if ((lead & 0xe0U) == 0xc0) return {2, lead & 0x1fU, 0x80};
    if ((lead & 0xf0U) == 0xe0) return {3, lead & 0x0fU, 0x800};
    if ((lead & 0xf8U) == 0xf0) return {4, lead & 0x07U, 0x10000};
    return {0, 0, 0};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text)
{
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

void append_item(std::string& to, std::string_view value)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : value) {
        if (!separates_items(c) && c != '%') {
            to.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        to.push_back('%');
        to.push_back(digits[byte >> 4U]);
        to.push_back(digits[byte & 15U]);
    }
}

bool is_utf8(std::string_view text) noexcept
{
    while (!text.empty()) {
        const auto [length, lead_bits, least] = sequence_of(static_cast<unsigned char>(text.front()));
        if (length == 0 || text.size() < length) return false;
        std::uint32_t point = lead_bits;
        for (const char byte : text.substr(1, length - 1)) {
            if ((static_cast<unsigned char>(byte) & 0xc0U) != 0x80) return false;
            point = (point << 6U) | (static_cast<unsigned char>(byte) & 0x3fU);
        }
        const bool surrogate = point >= 0xd800 && point <= 0xdfff;
        if (point < least || point > 0x10ffff || surrogate) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace shoal
