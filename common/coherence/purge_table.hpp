#pragma once
// The highest sequence at which each tag was purged, hard and softly, of all tags there can be: they share a fixed
// number of buckets, and those that share one are purged together.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "common/coherence/stamp.hpp"

namespace shoal::coherence {

using bucket = std::uint32_t;

/// In Redis a table is a string of cells: four bytes hard, four bytes soft, the highest byte first.
inline constexpr std::size_t cell_bytes = 8;
inline constexpr unsigned table_bits = 20;

[[nodiscard]] constexpr bucket bucket_of(tag of, unsigned bits = table_bits) noexcept
{
    return static_cast<bucket>(of & ((std::uint64_t{1} << bits) - 1));
}

/// Buckets as the log has them: four bytes each, the highest first.
void append_bucket(std::string& to, bucket which);

class purge_table {
public:
    /// Fewer buckets than the usual are for tests. Memory is taken up where purges fall.
    explicit purge_table(unsigned bits = table_bits);

    struct cell {
        std::uint32_t hard;
        std::uint32_t soft;
    };
    [[nodiscard]] const cell& at(tag of) const noexcept { return cells_[of & mask_]; }

    /// `buckets` is packed as append_bucket does it; a sequence is below 2^32.
    void raise_hard(std::string_view buckets, std::uint64_t sequence) noexcept;
    void raise_soft(std::string_view buckets, std::uint64_t sequence) noexcept;

    void clear();
    /// A part of the string in Redis, from `offset`, a multiple of cell_bytes. What is beyond the table is left out.
    void load(std::size_t offset, std::string_view bytes) noexcept;
    /// Length of the whole as a string.
    [[nodiscard]] std::size_t bytes() const noexcept { return (mask_ + 1) * cell_bytes; }

private:
    struct release {
        void operator()(void* memory) const noexcept { std::free(memory); }  // NOLINT(*-no-malloc,*-owning-memory)
    };

    std::size_t mask_;
    std::unique_ptr<cell[], release> cells_;  // NOLINT(*-avoid-c-arrays)
};

}  // namespace shoal::coherence
