#pragma once
// What an allocation really takes from the heap, as glibc's malloc does it.

#include <algorithm>
#include <cstddef>

namespace shoal {

/// Each block has 8 bytes before it, is a multiple of 16, and of at least 32. From 128 KiB on it may be a mapping of
/// its own, of whole pages: that is counted, though malloc may decide otherwise.
[[nodiscard]] constexpr std::size_t heap_bytes(std::size_t asked) noexcept
{
    constexpr std::size_t mapped_from = 128 * 1024;
    constexpr std::size_t page = 4096;
    if (asked >= mapped_from) return (asked + 16 + page - 1) / page * page;
    return std::max<std::size_t>(32, (asked + 8 + 15) / 16 * 16);
}

}  // namespace shoal
