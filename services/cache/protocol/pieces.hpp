#pragma once
// A representation that is filled by pieces: which of its bytes are there (RFC 9111, 3.3 and 3.4). Pieces belong
// together only under one strong ETag and one length.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "services/cache/coherence/stamp.hpp"
#include "services/cache/protocol/range.hpp"

namespace shoal::cache::protocol {

class pieces {
public:
    pieces(std::string etag, std::uint64_t length, stamp since, std::span<const tag> tags);

    /// Bytes of the same ETag and length. Their stamp lowers this one's, their tags are added (RULES of coherence).
    /// False when they don't belong here: another epoch, ETag or length, or beyond its end; nothing is changed then.
    [[nodiscard]] bool add(std::string_view etag, std::uint64_t length, const byte_range& part, const stamp& since,
                           std::span<const tag> tags);

    [[nodiscard]] bool covers(const byte_range& part) const noexcept;
    [[nodiscard]] bool complete() const noexcept;
    /// What of `part` is not there, in order.
    [[nodiscard]] std::vector<byte_range> missing(const byte_range& part) const;

    [[nodiscard]] const std::string& etag() const noexcept { return etag_; }
    [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
    [[nodiscard]] const stamp& since() const noexcept { return since_; }
    /// Sorted, each once.
    [[nodiscard]] const std::vector<tag>& tags() const noexcept { return tags_; }
    /// Sorted, no two of which touch.
    [[nodiscard]] const std::vector<byte_range>& parts() const noexcept { return parts_; }

private:
    std::string etag_;
    std::uint64_t length_;
    stamp since_;
    std::vector<tag> tags_;
    std::vector<byte_range> parts_;
};

}  // namespace shoal::cache::protocol
