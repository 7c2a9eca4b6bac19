#pragma once
// Bodies that are on their way come in pieces, which may be as small as their sender likes.

#include <cstdint>

#include "common/core/bytes.hpp"

namespace shoal::cache {

/// What a piece that waits takes at most beside its bytes: what keeps them, that one's allocation, a place in a list.
inline constexpr std::uint64_t piece_overhead = 128;

/// Makes `last` longer by `next` where the two lie side by side in one block; else it is false.
[[nodiscard]] inline bool join(shared_bytes& last, const shared_bytes& next) noexcept
{
    if (last.owner != next.owner || last.view.data() + last.view.size() != next.view.data()) return false;
    last.view = {last.view.data(), last.view.size() + next.view.size()};
    return true;
}

}  // namespace shoal::cache
