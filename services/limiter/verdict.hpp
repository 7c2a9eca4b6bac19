#pragma once
// What a client is told about its key: JSON bodies and the values of header fields. Pure.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/limiter/outcome.hpp"
#include "services/limiter/rule.hpp"

namespace shoal::limiter {

struct verdict {
    /// What a rule in shadow mode would have said.
    enum class shadow : std::uint8_t { off, allowed, refused };

    bool allowed = false;
    std::int64_t limit = 0;
    std::int64_t remaining = 0;
    std::int64_t reset_ms = 0;
    std::int64_t retry_after_ms = 0;
    shadow opinion = shadow::off;
};

/// Times are rounded up: a client that waits that long finds what it was told. A rule in shadow mode allows.
[[nodiscard]] verdict verdict_of(const rule& by, const outcome& made) noexcept;

/// {"allowed":…,"limit":…,"remaining":…,"reset_ms":…,"retry_after_ms":…}, and "shadow" in shadow mode. One allocation.
[[nodiscard]] std::string to_json(const verdict& from);
/// The same members without the braces.
void append_members(std::string& into, const verdict& from);

/// {"id":…,"ttl_ms":…,"limit":…,"remaining":…}, and "shadow" in shadow mode.
[[nodiscard]] std::string slot_json(std::string_view id, std::int64_t ttl_ms, const verdict& from);

/// {"refunded":…,"limit":…,"remaining":…,"reset_ms":…}
[[nodiscard]] std::string refund_json(std::int64_t cells, const verdict& from);

/// A field's value without an allocation.
class field_text {
public:
    field_text& add(std::string_view text) noexcept;
    field_text& add(std::int64_t number) noexcept;
    [[nodiscard]] operator std::string_view() const noexcept { return {bytes_.data(), size_}; }

private:
    /// A rule's name, three numbers and what is between them.
    std::array<char, 192> bytes_;
    std::size_t size_ = 0;
};

/// Value of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10): "demo";q=10;w=60. The window is the period in
/// seconds, at least 1; a calendar's is nominal, a month 2592000. Slots have none: "jobs";q=5;qu="concurrent-requests".
[[nodiscard]] field_text policy_field(const rule& from) noexcept;

/// Value of RateLimit: "demo";r=3;t=30.
[[nodiscard]] field_text limit_field(const rule& by, const verdict& from) noexcept;

/// Values of X-RateLimit-Reset and Retry-After: whole seconds from now, rounded up; the latter at least 1.
[[nodiscard]] std::int64_t reset_seconds(const verdict& from) noexcept;
[[nodiscard]] std::int64_t retry_after_seconds(const verdict& from) noexcept;

}  // namespace shoal::limiter
