#include "services/cache/site/path.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/core/ascii.hpp"

namespace shoal::cache {
namespace {

enum class byte_kind : std::uint8_t { plain, slash, percent, doubtful };

constexpr std::array<byte_kind, 256> make_kinds()
{
    std::array<byte_kind, 256> kinds{};
    for (std::size_t i = 0; i < kinds.size(); ++i)
        kinds[i] = i <= 0x20 || i >= 0x7f ? byte_kind::doubtful : byte_kind::plain;
    kinds['/'] = byte_kind::slash;
    kinds['%'] = byte_kind::percent;
    kinds[';'] = kinds['\\'] = kinds['#'] = kinds['?'] = byte_kind::doubtful;
    return kinds;
}

constexpr auto kinds = make_kinds();

constexpr int hex_value(char digit) noexcept
{
    if (is_digit(digit)) return digit - '0';
    const char lower = to_lower(digit);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// What "%XX" at the start of `text` stands for; below zero when it is not that.
constexpr int escaped(std::string_view text) noexcept
{
    if (text.size() < 3) return -1;
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

constexpr bool is_unreserved(int byte) noexcept
{
    const auto c = static_cast<char>(byte);
    return byte < 0x80 && (is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
                           std::string_view{"-._~"}.find(c) != std::string_view::npos);
}

/// Encoded, they are taken for what they stand for by one server and not by another. 0xC0 and 0xC1 begin overlong
/// forms of ASCII, as %C0%AF of '/'; so may 0xE0 and 0xF0.
constexpr bool is_doubtful_escaped(int byte) noexcept
{
    if (byte < 0x20 || byte == 0x7f || byte == 0xc0 || byte == 0xc1) return true;
    return std::string_view{"/\\.;?#%"}.find(static_cast<char>(byte)) != std::string_view::npos;
}

constexpr bool is_overlong(int byte, std::string_view next) noexcept
{
    const int second = !next.empty() && next.front() == '%' ? escaped(next) : -1;
    return (byte == 0xe0 && second >= 0x80 && second < 0xa0) || (byte == 0xf0 && second >= 0x80 && second < 0x90);
}

/// At a slash: what follows makes "//", "/." or "/..".
constexpr bool is_doubtful_segment(std::string_view after) noexcept
{
    if (after.starts_with('/')) return true;
    if (!after.starts_with('.')) return false;
    const auto segment = after.substr(0, after.find('/'));
    return segment == "." || segment == "..";
}

struct findings {
    bool doubtful = false;
    bool escapes = false;
};

findings look_at(std::string_view path) noexcept
{
    findings found;
    for (std::size_t i = 0; i < path.size(); ++i) {
        switch (kinds[static_cast<unsigned char>(path[i])]) {
        case byte_kind::plain: break;
        case byte_kind::slash: found.doubtful |= is_doubtful_segment(path.substr(i + 1)); break;
        case byte_kind::doubtful: found.doubtful = true; break;
        case byte_kind::percent: {
            const int byte = escaped(path.substr(i));
            found.escapes = true;
            found.doubtful |= is_doubtful_escaped(byte) || is_overlong(byte, path.substr(std::min(i + 3, path.size())));
            break;
        }
        }
        if (found.doubtful) break;
    }
    return found;
}

/// `text` has no '%' without two digits.
void append_equivalent(std::string& into, std::string_view text)
{
    constexpr std::string_view digits{"0123456789ABCDEF"};
    while (!text.empty()) {
        const auto plain = std::min(text.find('%'), text.size());
        into.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) return;
        const int byte = escaped(text);
        if (is_unreserved(byte)) {
            into += static_cast<char>(byte);
        } else {
            into += '%';
            into += digits[static_cast<std::size_t>(byte / 16)];
            into += digits[static_cast<std::size_t>(byte % 16)];
        }
        text.remove_prefix(3);
    }
}

bool is_well_encoded(std::string_view text) noexcept
{
    for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3))
        if (escaped(text.substr(at)) < 0) return false;
    return true;
}

}  // namespace

bool append_path(std::string& into, std::string_view path)
{
    const auto found = look_at(path);
    if (found.doubtful || !found.escapes)
        into.append(path);
    else
        append_equivalent(into, path);
    return found.doubtful;
}

void append_encoded(std::string& into, std::string_view text)
{
    if (text.find('%') == std::string_view::npos || !is_well_encoded(text))
        into.append(text);
    else
        append_equivalent(into, text);
}

}  // namespace shoal::cache
