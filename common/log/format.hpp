#pragma once
// Lines of the log, made of values only: what a line looks like is tested without a descriptor.

#include "common/core/clock.hpp"
#include "common/log/log.hpp"

#include <string>

namespace shoal::log {

/// A message or a field beyond this many bytes is cut, and says so.
inline constexpr std::size_t longest_text = 8192;

struct record {
    wall_clock::time_point time;
    level severity;
    std::string_view worker;
    std::string_view message;
    fields values;
};

[[nodiscard]] std::string_view name_of(level severity) noexcept;

/// One JSON object without a line feed. Text that is not UTF-8 is repaired with U+FFFD; a field named like
/// one of the fixed ones gets a '_' at its end.
[[nodiscard]] std::string json_line(const record& what);

/// For people: no control character of the message or a field reaches the terminal.
[[nodiscard]] std::string text_line(const record& what, bool coloured);

}  // namespace shoal::log
