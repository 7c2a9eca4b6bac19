#pragma once
// Lines of an access log in the common or the combined format, as nginx and Apache write them.

#include <optional>
#include <string_view>

namespace shoal::load {

/// Views into the line.
struct log_line {
    std::string_view address;
    std::string_view method;
    std::string_view target;
};

/// Nothing for what is no such line. Only what is in front of the request's end is looked at.
[[nodiscard]] std::optional<log_line> parse_log_line(std::string_view line) noexcept;

}  // namespace shoal::load
