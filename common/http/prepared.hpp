#pragma once
// An answer that was made before it was asked for: its head is written as it stands, its body is not copied unless it
// is shorter than what it costs to point to it (256 bytes).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/core/counted.hpp"

namespace shoal::http {

/// Header lines of one answer, each with its CR LF, without an allocation.
class short_lines {
public:
    // Only what is in it is ever touched: this is on the way of each hit.
    short_lines() noexcept {}  // NOLINT(modernize-use-equals-default): that would clear the text
    short_lines(const short_lines& from) noexcept { *this = from; }
    short_lines& operator=(const short_lines& from) noexcept;

    /// What is over 256 bytes is left out whole; returns whether it fitted.
    bool append(std::string_view text) noexcept;
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, 256> text_;
    std::size_t size_ = 0;
};

/// The session adds X-Shoal-Worker, X-Request-Id, Server-Timing, and Connection where it has to; nothing else: Date
/// and Content-Length are in `head`. The body is left away for HEAD, 204 and 304.
struct prepared {
    unsigned status = 200;
    /// Keeps `head` and `body` until they are handed to the kernel.
    keeper owner{};
    /// Status line and header lines, without the empty line.
    std::string_view head{};
    /// After those of `head`: Age, Cache-Status.
    short_lines lines{};
    /// The pieces one after the other, of which `length` bytes from `offset` on are sent.
    std::span<const std::string_view> body{};
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

}  // namespace shoal::http
