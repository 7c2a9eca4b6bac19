#pragma once
// ASCII as the grammar of HTTP has it: no locale. Also for services that judge names and values of fields.

#include <algorithm>
#include <string_view>

namespace shoal {

[[nodiscard]] constexpr bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr char to_lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] constexpr bool iequals(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

/// VCHAR: neither a space nor a control character, and ASCII.
[[nodiscard]] constexpr bool is_visible(char c) noexcept
{
    return c > 0x20 && c < 0x7f;
}

/// What a field value may not have (RFC 9110, 5.5): any control character but HTAB.
[[nodiscard]] constexpr bool is_control(char c) noexcept
{
    return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}

/// tchar of RFC 9110, 5.6.2.
[[nodiscard]] constexpr bool is_token(char c) noexcept
{
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

}  // namespace shoal
