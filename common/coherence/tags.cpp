#include "common/coherence/tags.hpp"

#include <xxhash.h>

namespace shoal::coherence {

tag tag_of(tag_kind kind, std::string_view site, std::string_view text) noexcept
{
    // Each part seeds the next, so that no two parts can run into each other.
    const auto seed = XXH3_64bits_withSeed(site.data(), site.size(), static_cast<XXH64_hash_t>(kind));
    return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

}  // namespace shoal::coherence
