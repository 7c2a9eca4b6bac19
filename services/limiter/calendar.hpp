#pragma once
// Windows that begin where the clock and the calendar of a time zone say. Pure: time is an argument.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace shoal::limiter {

/// A week begins on Monday (ISO 8601).
enum class span : std::uint8_t { second, minute, hour, day, week, month };

/// Microseconds since 1970-01-01T00:00:00Z; `end_us` is the next window's begin.
struct window {
    std::int64_t begin_us = 0;
    std::int64_t end_us = 0;

    bool operator==(const window&) const = default;
};

class calendar {
public:
    /// Null when the machine knows no time zone of that name. Reads the zone's file: not for the loop.
    [[nodiscard]] static std::shared_ptr<const calendar> make(span length, std::string_view zone);

    virtual ~calendar() = default;
    /// The window that holds `now_us`. Across a change of the zone's offset a window is as long as the calendar says:
    /// a day may have 23 or 25 hours.
    [[nodiscard]] virtual window around(std::int64_t now_us) const = 0;
    [[nodiscard]] virtual span length() const noexcept = 0;
    [[nodiscard]] virtual const std::string& zone() const noexcept = 0;
};

}  // namespace shoal::limiter
