#include "services/cache/memory/last_reasons.hpp"

#include <xxhash.h>

namespace shoal::cache {

last_reasons::last_reasons(std::size_t places, std::uint64_t seed) : seed_{seed}, places_(places) {}

std::uint64_t last_reasons::hash(std::string_view key) const noexcept
{
    return XXH3_64bits_withSeed(key.data(), key.size(), seed_);
}

void last_reasons::note(std::string_view key, std::string_view reason, boot_time at)
{
    const auto id = hash(key);
    places_[id % places_.size()] = {.hash = id, .what = {.reason = reason, .at = at}};
}

void last_reasons::forget(std::string_view key)
{
    const auto id = hash(key);
    if (auto& at = places_[id % places_.size()]; at.hash == id) at = {};
}

std::optional<last_reasons::seen> last_reasons::of(std::string_view key) const noexcept
{
    const auto id = hash(key);
    const auto& at = places_[id % places_.size()];
    if (at.hash != id || at.what.reason.empty()) return std::nullopt;
    return at.what;
}

}  // namespace shoal::cache
