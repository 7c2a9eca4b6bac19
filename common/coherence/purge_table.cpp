#include "common/coherence/purge_table.hpp"

#include <algorithm>
#include <new>

namespace shoal::coherence {
namespace {

std::uint32_t number_at(std::string_view bytes, std::size_t offset) noexcept
{
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8U | static_cast<unsigned char>(bytes[offset + i]);
    return number;
}

}  // namespace

void append_bucket(std::string& to, bucket which)
{
    for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(which >> static_cast<unsigned>(shift) & 0xffU);
}

purge_table::purge_table(unsigned bits) : mask_{(std::size_t{1} << bits) - 1}
{
    clear();
}

/// From calloc, so that pages without a purge are never touched.
void purge_table::clear()
{
    cells_.reset(static_cast<cell*>(std::calloc(mask_ + 1, sizeof(cell))));  // NOLINT(*-no-malloc,*-owning-memory)
    if (!cells_) throw std::bad_alloc{};
}

void purge_table::raise_hard(std::string_view buckets, std::uint64_t sequence) noexcept
{
    for (std::size_t i = 0; i + 4 <= buckets.size(); i += 4) {
        auto& last = cells_[number_at(buckets, i) & mask_].hard;
        last = std::max(last, static_cast<std::uint32_t>(sequence));
    }
}

void purge_table::raise_soft(std::string_view buckets, std::uint64_t sequence) noexcept
{
    for (std::size_t i = 0; i + 4 <= buckets.size(); i += 4) {
        auto& last = cells_[number_at(buckets, i) & mask_].soft;
        last = std::max(last, static_cast<std::uint32_t>(sequence));
    }
}

void purge_table::load(std::size_t offset, std::string_view bytes) noexcept
{
    // The string ends where it was last written: that may be within a cell.
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += cell_bytes) {
        const auto index = (offset + i) / cell_bytes;
        if (index > mask_) return;
        const bool whole = i + cell_bytes <= bytes.size();
        const cell read{number_at(bytes, i), whole ? number_at(bytes, i + 4) : 0};
        if (read.hard != 0 || read.soft != 0) cells_[index] = read;
    }
}

}  // namespace shoal::coherence
