#include "services/cache/protocol/base64.hpp"

#include <cstddef>
#include <cstdint>

#include "common/core/ascii.hpp"

namespace shoal::cache::protocol {
namespace {

constexpr int sextet(char c) noexcept
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (is_digit(c)) return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text)
{
    while (text.ends_with('=')) text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    std::string data;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const int value = sextet(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        data.push_back(static_cast<char>(bits >> count & 0xffU));
    }
    return data;
}

std::string encode_base64(std::string_view data)
{
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < data.size(); at += 3) {
        const auto byte = [&](std::size_t index) -> std::uint32_t {
            return index < data.size() ? static_cast<unsigned char>(data[index]) : 0U;
        };
        const std::uint32_t bits = byte(at) << 16U | byte(at + 1) << 8U | byte(at + 2);
        text.push_back(alphabet[bits >> 18U]);
        text.push_back(alphabet[bits >> 12U & 63U]);
        text.push_back(at + 1 < data.size() ? alphabet[bits >> 6U & 63U] : '=');
        text.push_back(at + 2 < data.size() ? alphabet[bits & 63U] : '=');
    }
    return text;
}

}  // namespace shoal::cache::protocol
