#pragma once
// The head of an origin's answer: where it ends, and what it says. Pure functions over bytes, and strict: what two
// readers could understand differently is refused, since the next reader is a client.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/core/counted.hpp"
#include "common/http/request.hpp"

namespace shoal::http {

struct response_limits {
    /// Status line and header lines, and the trailers, in bytes. More would not get through the proxy in front either
    /// (haproxy/haproxy.cfg.in).
    std::size_t head = 14 * 1024;
    std::size_t header_count = 100;
    /// Interim answers (1xx) before the final one.
    std::size_t interims = 16;
};

/// How the end of a body is found (RFC 9112, 6.3).
enum class framing : std::uint8_t { none, length, chunked, until_close };

struct response_head {
    unsigned status = 0;
    framing body = framing::none;
    /// The connection may be used again after the body.
    bool keep_alive = false;
    /// With framing::length.
    std::uint64_t length = 0;
    /// Views into `text`.
    std::vector<header> headers;
    keeper text;
};

/// Finds the end of a head that arrives in pieces. Each byte is looked at once.
class response_scanner {
public:
    /// `received` starts with the head and is what the call before had, or longer. The length of the head with its
    /// empty line once it is there.
    [[nodiscard]] std::optional<std::size_t> scan(std::string_view received, const response_limits& bounds);
    /// Why the head can't become valid; empty while it can. Static storage.
    [[nodiscard]] std::string_view refused() const noexcept { return refused_; }
    /// So far, with the status line.
    [[nodiscard]] std::size_t lines() const noexcept { return lines_; }

private:
    void check_line(std::string_view line, const response_limits& bounds);

    std::size_t line_start_ = 0;
    std::size_t seen_ = 0;
    std::size_t lines_ = 0;
    std::string_view refused_;
};

/// Reads a head that passed the scanner into `into`, with views into `head`. `to_head`: it answers HEAD. Returns why it
/// is refused; empty when it is not. Static storage.
[[nodiscard]] std::string_view parse_response_head(std::string_view head, bool to_head, response_head& into);

}  // namespace shoal::http
