#pragma once
// The bytes of an answer.

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "common/core/clock.hpp"
#include "common/http/exchange.hpp"
#include "common/http/prepared.hpp"
#include "common/http/request.hpp"
#include "common/http/response.hpp"

namespace shoal::http {

/// What the session adds to a handler's answer.
struct envelope {
    /// The answer to HEAD has the length of its body, but not the body.
    bool head_only = false;
    bool close = false;
    /// HTTP/1.0 closes unless told otherwise.
    bool http11 = true;
    /// Whole header lines that are the same for every answer.
    std::string_view fixed_lines;
    /// Not used for a prepared answer.
    std::string_view date;
    std::string_view request_id;
    std::chrono::nanoseconds total{0};
    std::span<const timing> timings;
};

void append_answer(std::string& out, const response& answer, const envelope& around);
/// The head alone.
void append_head(std::string& out, const prepared& answer, const envelope& around);
/// The head alone; without a length the body is chunked, or for HTTP/1.0 ends with the connection.
void append_head(std::string& out, const streamed_head& head, const envelope& around);
void append_interim(std::string& out, unsigned status, std::string_view lines);
/// The line before the data of a chunk.
void append_chunk_size(std::string& out, std::size_t size);

/// 1xx, 204 and 304 end with their head (RFC 9112, 6.3).
[[nodiscard]] constexpr bool has_body(unsigned status) noexcept
{
    return status >= 200 && status != 204 && status != 304;
}

/// The line "Date: ...", made at most once a second.
class date_line {
public:
    [[nodiscard]] std::string_view at(boot_time now);

private:
    boot_time valid_until_{boot_time::min()};
    std::string text_;
};

}  // namespace shoal::http
