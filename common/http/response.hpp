#pragma once
// One answer as a handler makes it. The session adds Content-Length, Date, Connection, X-Shoal-Worker,
// X-Request-Id and Server-Timing.

#include <string>
#include <string_view>

namespace shoal::http {

class response {
public:
    explicit response(unsigned status) : status_{status} {}

    /// `value` has no CR, LF or NUL: asserted in debug builds, what comes from outside is checked by the caller.
    response& add(std::string_view name, std::string_view value) &;
    response&& add(std::string_view name, std::string_view value) &&;
    /// Sets the body and its Content-Type.
    response& body(std::string_view content_type, std::string text) &;
    response&& body(std::string_view content_type, std::string text) &&;
    /// The connection is closed after this answer.
    response& close() & noexcept;

    [[nodiscard]] unsigned status() const noexcept { return status_; }
    /// Header lines, each with its CR LF.
    [[nodiscard]] std::string_view header_lines() const noexcept { return header_lines_; }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    [[nodiscard]] bool closes() const noexcept { return close_; }

private:
    unsigned status_;
    bool close_ = false;
    std::string header_lines_;
    std::string body_;
};

/// application/problem+json (RFC 9457): title is the status' reason, detail says what is wrong and what to do.
[[nodiscard]] response problem(unsigned status, std::string_view detail);

}  // namespace shoal::http
