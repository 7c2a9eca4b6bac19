#pragma once
// A reply of Redis, copied out of hiredis: its own replies die with their callback.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace shoal::redis {

struct nil {
    bool operator==(const nil&) const = default;
};

/// An error reply nested in an array; one at the top is errc::redis_error_reply instead.
struct error_text {
    std::string text;
    bool operator==(const error_text&) const = default;
};

struct value : std::variant<nil, std::int64_t, std::string, error_text, std::vector<value>> {
    using variant::variant;

    [[nodiscard]] bool is_nil() const noexcept { return std::holds_alternative<nil>(*this); }
    [[nodiscard]] const std::int64_t* integer() const noexcept { return std::get_if<std::int64_t>(this); }
    [[nodiscard]] const std::string* text() const noexcept { return std::get_if<std::string>(this); }
    [[nodiscard]] const std::vector<value>* array() const noexcept { return std::get_if<std::vector<value>>(this); }
};

}  // namespace shoal::redis
