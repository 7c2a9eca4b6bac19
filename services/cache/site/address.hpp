#pragma once
// IP addresses as text.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shoal::cache {

/// IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2), so that ::ffff:127.0.0.1 is 127.0.0.1.
using address = std::array<std::uint8_t, 16>;

/// "127.0.0.1" or "2001:db8::1"; no zone, no port, no leading zeros in IPv4.
[[nodiscard]] std::optional<address> parse_address(std::string_view text) noexcept;

class address_block {
public:
    /// "127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32". Nothing for anything else, nor for an address with bits
    /// beyond the length of its prefix.
    [[nodiscard]] static std::optional<address_block> parse(std::string_view text) noexcept;

    [[nodiscard]] bool contains(const address& one) const noexcept;

private:
    address prefix_{};
    unsigned bits_ = 128;
};

/// As the configuration names it.
struct listed_block {
    std::string text;
    address_block addresses;
};

/// Nothing that is no address is in a list.
[[nodiscard]] bool is_listed(std::string_view text, std::span<const listed_block> list) noexcept;

}  // namespace shoal::cache
