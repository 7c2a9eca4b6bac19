#pragma once
// What left not long ago, by 32 bits of a hash: a table of 8 bytes each. It may forget somebody early, and take one for
// another: that costs a little of the hit ratio and nothing else.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace shoal::eviction {

class ghosts {
public:
    /// The `most` that were remembered last count from now on.
    void remember(std::uint32_t id, std::size_t most);
    /// Whether it is remembered; then it is not any more.
    [[nodiscard]] bool forget(std::uint32_t id) noexcept;
    [[nodiscard]] std::size_t footprint() const noexcept;

private:
    struct ghost {
        std::uint32_t id = 0;
        /// When it was remembered, as a number; 0 for none.
        std::uint32_t turn = 0;
    };
    /// A cache line; when it is full, its oldest goes.
    using bucket = std::array<ghost, 8>;

    [[nodiscard]] bucket& of(std::uint32_t id) noexcept { return buckets_[id & (buckets_.size() - 1)]; }
    [[nodiscard]] bool counts(const ghost& which) const noexcept;
    void place(const ghost& which) noexcept;
    void fit(std::size_t most);

    /// A power of two of them.
    std::vector<bucket> buckets_;
    std::uint32_t turn_ = 0;
    std::uint32_t most_ = 0;
};

}  // namespace shoal::eviction
