#pragma once
// The Host of a request (RFC 9110, 7.2) as keys have it.

#include <array>
#include <optional>
#include <string_view>

namespace shoal::cache {

enum class scheme : bool { http, https };

/// A name in lower case and a port that is not the scheme's own. Holds its text itself.
class host_name {
public:
    /// Letters, digits, '-', '.', '_', or an IPv6 address in brackets; at most 255 bytes with the port.
    /// Nothing for anything else. Empty, as HTTP/1.0 may leave it, is a host.
    [[nodiscard]] static std::optional<host_name> parse(std::string_view host, scheme over) noexcept;

    /// With the port.
    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }
    /// Without it.
    [[nodiscard]] std::string_view name() const noexcept { return {text_.data(), name_size_}; }

private:
    std::array<char, 256> text_;
    std::size_t size_ = 0;
    std::size_t name_size_ = 0;
};

}  // namespace shoal::cache
