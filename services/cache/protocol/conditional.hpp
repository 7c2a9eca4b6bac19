#pragma once
// Validation (RFC 9110, 13; RFC 9111, 4.3): of clients' copies against what is stored, of what is stored at the origin.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"
#include "services/cache/protocol/request_view.hpp"

namespace shoal::cache::protocol {

/// Not W/ and in quotes.
[[nodiscard]] bool is_strong(std::string_view etag) noexcept;
/// In quotes, with or without W/.
[[nodiscard]] bool is_etag(std::string_view text) noexcept;
[[nodiscard]] bool weak_match(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] bool strong_match(std::string_view a, std::string_view b) noexcept;

/// The validators of something stored; empty where there is none.
struct validators {
    std::string_view etag{};
    std::string_view last_modified{};
    /// Its Date; counts where there is no Last-Modified.
    std::string_view date{};
};

/// The client's copy is good: 304. For GET and HEAD, and a stored 2xx that is to be served now (RFC 9110, 13.2.1).
[[nodiscard]] bool not_modified(const request_view& asked, const validators& of, std::chrono::sys_seconds now) noexcept;

/// If-Range does not keep the Range from counting (RFC 9110, 13.1.5).
[[nodiscard]] bool range_counts(const request_view& asked, const validators& of, std::chrono::sys_seconds now) noexcept;

/// Fields that ask the origin whether `of` is still good: empty when it has no validator that may be used. The
/// client's own conditions are not sent then. After a hard purge only strong validators count.
[[nodiscard]] std::vector<field_view> validation_fields(const validators& of, bool only_strong);

/// A 304 is about what is stored: it carries no strong validator, or the same (RFC 9111, 4.3.4).
[[nodiscard]] bool confirms(field_span not_modified_fields, const validators& of) noexcept;

}  // namespace shoal::cache::protocol
