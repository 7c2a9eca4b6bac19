#pragma once
// What the sources of memory share.

#include <cstdint>

#include "services/cache/memory/memory.hpp"

namespace shoal::cache {

/// One variant of a URL, in a list with the others.
struct memory::entry : s3_fifo::node {
    /// A stored, or a partial.
    keeper what;
    entry* next = nullptr;
    std::uint64_t hash = 0;
    std::uint32_t site = 0;
    bool whole = true;

    [[nodiscard]] const stored& head() const noexcept
    {
        return whole ? static_cast<const stored&>(*what) : *static_cast<const partial&>(*what).head();
    }
};

/// A fill that took longer than the one after it must not take its place.
[[nodiscard]] inline bool is_later(const stored& kept, const stored& than)
{
    if (kept.since().epoch != than.since().epoch) return false;
    if (kept.since().sequence != than.since().sequence) return kept.since().sequence > than.since().sequence;
    return kept.received() > than.received();
}

}  // namespace shoal::cache
