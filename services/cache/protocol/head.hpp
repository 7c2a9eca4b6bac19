#pragma once
// The heads of answers as they are stored, updated, and sent.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {

/// The phrase of a status, "" for one that is not known.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

struct head_settings {
    /// Replaces a Date that is missing or can't be read.
    std::chrono::sys_seconds received{};
    /// Put in as Content-Length; without one the field is left out.
    std::optional<std::uint64_t> length{};
    /// Lower case: fields that are left out besides hop-by-hop ones and Age; storing::withheld.
    std::span<const std::string> withheld{};
    /// Lower case: what the site hides from clients, like Surrogate-Key.
    std::span<const std::string> hidden{};
};

/// Header lines, each with its CR LF: those of the origin as they came, but for hop-by-hop ones, Age, and
/// Content-Length, which is put in anew. A value that has a control character is left out whole.
[[nodiscard]] std::string header_lines(field_span fields, const head_settings& how);

/// Status line and header_lines(), as memory/stored.hpp keeps them.
[[nodiscard]] std::string build_head(unsigned status, field_span fields, const head_settings& how);

/// A stored head with what a 304 (or a 200 to HEAD) says (RFC 9111, 3.2): its fields replace those of the same name,
/// but not Content-Length, Content-Encoding, Content-Range and ETag, which belong to the stored body; nor hop-by-hop
/// ones. What is withheld goes from either. `how.length` is not looked at.
[[nodiscard]] std::string update_head(std::string_view stored_head, field_span newer, const head_settings& how);

/// Of a stored head, what a 304 to a client carries (RFC 9110, 15.4.5), with the status line.
[[nodiscard]] std::string not_modified_head(std::string_view stored_head);

/// Of a stored head, what a 206 carries: all, with `content_range` (empty: multipart with `content_type`) and `length`.
[[nodiscard]] std::string partial_head(std::string_view stored_head, std::string_view content_range,
                                       std::string_view content_type, std::uint64_t length);

/// 416 for a stored representation of `length` bytes, with its Content-Range and no body.
[[nodiscard]] std::string unsatisfiable_head(std::uint64_t length, std::chrono::sys_seconds now);

}  // namespace shoal::cache::protocol
