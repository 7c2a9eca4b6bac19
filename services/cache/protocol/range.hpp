#pragma once
// Byte ranges (RFC 9110, 14): what a request asks for, and what goes out.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::cache::protocol {

/// Bytes first to last, both among them.
struct byte_range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    [[nodiscard]] std::uint64_t length() const noexcept { return last - first + 1; }
    friend bool operator==(const byte_range&, const byte_range&) = default;
};

/// As written: first-last, first-, or -suffix.
struct range_spec {
    std::optional<std::uint64_t> first{};
    /// With no `first`: how many of the last bytes.
    std::optional<std::uint64_t> last{};
    friend bool operator==(const range_spec&, const range_spec&) = default;
};

/// What is above is ignored: the whole is sent.
inline constexpr std::size_t most_ranges = 16;

/// Nothing for another unit, more than most_ranges, or what is no Range: the field is then ignored.
[[nodiscard]] std::optional<std::vector<range_spec>> parse_range(std::string_view text);

enum class range_answer : std::uint8_t { whole, partial, unsatisfiable };

struct resolved_range {
    range_answer answer = range_answer::whole;
    /// Of a partial one, in the order asked for, no two of which overlap or touch.
    std::vector<byte_range> parts;
};

/// Ranges that overlap or touch are sent as one. Two overlaps or more, and three ranges or more that are together
/// longer than the whole, are no honest request: the whole is sent (RFC 9110, 14.2).
[[nodiscard]] resolved_range resolve_range(std::string_view text, std::uint64_t length);

/// "bytes 0-4/10"
[[nodiscard]] std::string content_range(const byte_range& part, std::uint64_t length);

/// Content-Range of an origin's 206.
struct content_range_value {
    byte_range part;
    /// Of the whole; absent for *.
    std::optional<std::uint64_t> length{};
};

/// Nothing for another unit, an unsatisfied range, and what contradicts itself.
[[nodiscard]] std::optional<content_range_value> parse_content_range(std::string_view text) noexcept;

/// A multipart/byteranges answer, all but the bytes of its parts.
class multipart {
public:
    /// `boundary` must not appear in the content: 128 random bits in hexadecimal. `content_type` may be empty.
    multipart(const std::string& boundary, std::string_view content_type, const std::vector<byte_range>& parts,
              std::uint64_t length);

    /// "multipart/byteranges; boundary=..."
    [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }
    /// What goes before each part, in order.
    [[nodiscard]] const std::vector<std::string>& heads() const noexcept { return heads_; }
    /// What goes after the last.
    [[nodiscard]] const std::string& tail() const noexcept { return tail_; }
    /// Of the whole body.
    [[nodiscard]] std::uint64_t length() const noexcept { return length_; }

private:
    std::string content_type_;
    std::vector<std::string> heads_;
    std::string tail_;
    std::uint64_t length_ = 0;
};

}  // namespace shoal::cache::protocol
