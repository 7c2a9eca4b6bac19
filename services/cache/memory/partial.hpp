#pragma once
// Parts of one representation, as answers to range requests brought them: all under one strong validator. Never
// changed: a part more makes another one that shares what was there (RFC 9111, 3.3 and 3.4).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/bytes.hpp"
#include "services/cache/memory/stored.hpp"

namespace shoal::cache {

class partial final : public counted {
public:
    /// Some bytes of the representation, from `first` on.
    struct part {
        std::uint64_t first = 0;
        std::vector<shared_bytes> bytes;
    };

    /// `head` is what the whole would have, as a stored without a body; its etag is strong.
    [[nodiscard]] static boost::intrusive_ptr<const partial> make(stored_ptr head, std::uint64_t length);

    /// With another answer's part: S is the smaller one, tags are both ones' (RULES of coherence), the lifetime and the
    /// rest of the head are the newer one's. Bytes that were there already are left away. Nothing when etag, length or
    /// epoch differ, or the part ends beyond `length`.
    [[nodiscard]] boost::intrusive_ptr<const partial> with(const stored_ptr& head, std::uint64_t length,
                                                           const part& more) const;

    [[nodiscard]] const stored_ptr& head() const noexcept { return head_; }
    /// Of the whole representation.
    [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
    /// Of what is here.
    [[nodiscard]] std::uint64_t present() const noexcept { return present_; }

    /// The bytes from `first` to `last`, both included, when all of them are here.
    [[nodiscard]] std::optional<std::vector<shared_bytes>> covers(std::uint64_t first, std::uint64_t last) const;
    /// The first gap at or after `from`, both ends included; nothing when there is none.
    struct gap {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
    };
    [[nodiscard]] std::optional<gap> missing(std::uint64_t from = 0) const noexcept;
    /// The whole, once nothing is missing.
    [[nodiscard]] stored_ptr complete() const;

    [[nodiscard]] std::size_t footprint() const noexcept override { return footprint_; }

private:
    struct piece {
        std::uint64_t first = 0;
        shared_bytes bytes;
    };

    partial(stored_ptr head, std::uint64_t length, std::vector<piece> pieces);

    stored_ptr head_;
    std::uint64_t length_;
    std::uint64_t present_ = 0;
    /// Sorted; they don't overlap.
    std::vector<piece> pieces_;
    std::size_t footprint_ = 0;
};

using partial_ptr = boost::intrusive_ptr<const partial>;

}  // namespace shoal::cache
