#pragma once
// Cache-Status (RFC 9211): what this cache did for one answer.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shoal::cache::protocol {

enum class forward_reason : std::uint8_t { none, bypass, method, uri_miss, vary_miss, miss, request, stale, partial };

struct cache_status {
    bool hit = false;
    /// Why the request went to the origin; none on a hit.
    forward_reason forward = forward_reason::none;
    /// Of the origin's answer, where it differs from the one sent; 0 without.
    unsigned forward_status = 0;
    /// Freshness left in seconds, negative for what is stale.
    std::optional<std::int64_t> ttl{};
    bool stored = false;
    bool collapsed = false;
    /// Token characters only; what is not is left out: "l2", "no-store", ...
    std::string_view detail{};
};

/// A line with its CR LF: "Cache-Status: shoal; hit; ttl=30\r\n". No allocation; at most 160 bytes, a detail that does
/// not fit is left out.
class cache_status_line {
public:
    explicit cache_status_line(const cache_status& of) noexcept;
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }
    /// Without the name and the line's end.
    [[nodiscard]] std::string_view value() const noexcept;

private:
    void append(std::string_view text) noexcept;
    void append(std::int64_t number) noexcept;

    std::array<char, 160> text_;
    std::size_t size_ = 0;
};

/// "Age: 30\r\n"
class age_line {
public:
    explicit age_line(std::int64_t seconds) noexcept;
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, 32> text_;
    std::size_t size_ = 0;
};

}  // namespace shoal::cache::protocol
