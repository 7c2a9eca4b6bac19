#include "common/eviction/ghosts.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "common/core/heap.hpp"

namespace shoal::eviction {
namespace {

// Beyond this, buckets would be told apart by bits that tell ghosts apart.
constexpr std::size_t most_ghosts = std::size_t{1} << 27;

}  // namespace

void ghosts::remember(std::uint32_t id, std::size_t most)
{
    most_ = static_cast<std::uint32_t>(std::min(most, most_ghosts));
    fit(most_);
    if (++turn_ == 0) {
        // After 2^32 of them numbers begin again: all are forgotten once.
        std::fill(buckets_.begin(), buckets_.end(), bucket{});
        turn_ = 1;
    }
    place({.id = id, .turn = turn_});
}

bool ghosts::forget(std::uint32_t id) noexcept
{
    if (buckets_.empty()) return false;
    for (auto& one : of(id)) {
        if (one.id == id && counts(one)) {
            one = {};
            return true;
        }
    }
    return false;
}

std::size_t ghosts::footprint() const noexcept
{
    return buckets_.empty() ? 0 : heap_bytes(buckets_.capacity() * sizeof(bucket));
}

bool ghosts::counts(const ghost& which) const noexcept
{
    return which.turn != 0 && turn_ - which.turn < most_;
}

void ghosts::place(const ghost& which) noexcept
{
    auto& into = of(which.id);
    *std::min_element(into.begin(), into.end(), [](const ghost& a, const ghost& b) { return a.turn < b.turn; }) = which;
}

void ghosts::fit(std::size_t most)
{
    // A quarter of room, since buckets do not fill alike; halved only when it is far too large.
    const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(1, (most + most / 4) / bucket{}.size()));
    if (wanted <= buckets_.size() && wanted * 4 > buckets_.size()) return;
    const auto before = std::exchange(buckets_, std::vector<bucket>(wanted));
    for (const auto& each : before) {
        for (const auto& one : each) {
            if (counts(one)) place(one);
        }
    }
}

}  // namespace shoal::eviction
