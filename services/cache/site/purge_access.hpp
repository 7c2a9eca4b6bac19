#pragma once
// Who may purge: whoever has the token, and PURGE from addresses that are listed.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::cache {

/// A block of addresses; IPv4 is kept as IPv4-mapped IPv6, so that ::ffff:127.0.0.1 is 127.0.0.1.
class address_block {
public:
    /// "127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32". Nothing for anything else, as for a prefix with bits beyond
    /// its length.
    [[nodiscard]] static std::optional<address_block> parse(std::string_view text);
    /// `address` without a zone or a port.
    [[nodiscard]] bool contains(std::string_view address) const;

private:
    std::array<std::uint8_t, 16> prefix_{};
    unsigned bits_ = 128;
};

[[nodiscard]] bool is_address(std::string_view text);

struct purge_access {
    /// Nobody has it when it is empty.
    std::string token;
    std::string token_file;
    /// As written, for to_json().
    std::vector<std::string> allow;
    std::vector<address_block> blocks;

    /// `authorization` is the field's value: "Bearer <token>". Takes as long for any token of the same length.
    [[nodiscard]] bool admits_token(std::string_view authorization) const noexcept;
    [[nodiscard]] bool admits_address(std::string_view address) const;
};

}  // namespace shoal::cache
