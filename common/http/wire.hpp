#pragma once
// The bytes of an answer.

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "common/core/clock.hpp"
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
    std::string_view date;
    std::string_view request_id;
    std::chrono::nanoseconds total{0};
    std::span<const timing> timings;
};

void append_answer(std::string& out, const response& answer, const envelope& around);

/// The line "Date: ...", made at most once a second.
class date_line {
public:
    [[nodiscard]] std::string_view at(boot_time now);

private:
    boot_time valid_until_{boot_time::min()};
    std::string text_;
};

}  // namespace shoal::http
