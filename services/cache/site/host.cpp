#include "services/cache/site/host.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "common/core/ascii.hpp"

namespace shoal::cache {
namespace {

constexpr std::size_t most_host = 255;

/// What a byte of a name is in lower case; zero where it can't be one.
constexpr std::array<char, 256> make_lower_cases()
{
    std::array<char, 256> cases{};
    for (const char c : std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"})
        cases[static_cast<unsigned char>(c)] = to_lower(c);
    return cases;
}

constexpr auto lower_cases = make_lower_cases();

bool copy_name(std::string_view text, char* into) noexcept
{
    bool fits = true;
    for (const char c : text) {
        const char lower = lower_cases[static_cast<unsigned char>(c)];
        fits &= lower != 0;
        *into++ = lower;
    }
    return fits;
}

bool copy_bracketed(std::string_view text, char* into) noexcept
{
    std::ranges::transform(text, into, to_lower);
    return text.size() > 2 && text.ends_with(']') && std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
               const char lower = to_lower(c);
               return is_digit(c) || (lower >= 'a' && lower <= 'f') || c == ':' || c == '.';
           });
}

struct halves {
    std::string_view name;
    /// With its colon; empty without.
    std::string_view port;
};

halves split(std::string_view host) noexcept
{
    const auto name = host.starts_with('[') ? host.find(']') : host.find(':');
    if (name == std::string_view::npos) return {host, {}};
    const auto end = host.starts_with('[') ? name + 1 : name;
    return {host.substr(0, end), host.substr(end)};
}

/// Nothing for what is no port; zero for the scheme's own, and for none.
std::optional<std::uint16_t> read_port(std::string_view text, scheme over) noexcept
{
    if (text.empty()) return 0;
    if (text.front() != ':') return std::nullopt;
    text.remove_prefix(1);
    if (text.empty()) return 0;
    std::uint16_t port = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (wrong != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port == (over == scheme::https ? 443 : 80) ? 0 : port;
}

}  // namespace

std::optional<host_name> host_name::parse(std::string_view host, scheme over) noexcept
{
    if (host.size() > most_host) return std::nullopt;
    const auto [name, port_text] = split(host);
    std::optional<host_name> read{std::in_place};
    auto& made = *read;
    const bool fits =
        name.starts_with('[') ? copy_bracketed(name, made.text_.data()) : copy_name(name, made.text_.data());
    const auto port = read_port(port_text, over);
    if (!fits || !port || (name.empty() && !host.empty())) return std::nullopt;
    made.size_ = made.name_size_ = name.size();
    if (*port == 0) return read;
    made.text_[made.size_++] = ':';
    char* const end = made.text_.data() + made.text_.size();
    made.size_ =
        static_cast<std::size_t>(std::to_chars(made.text_.data() + made.size_, end, *port).ptr - made.text_.data());
    return read;
}

}  // namespace shoal::cache
