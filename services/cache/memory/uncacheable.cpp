#include "services/cache/memory/uncacheable.hpp"

#include <xxhash.h>

namespace shoal::cache {

uncacheable::uncacheable(std::size_t most, std::uint64_t seed) : most_{most}, seed_{seed} {}

std::uint64_t uncacheable::hash(std::string_view key) const noexcept
{
    return XXH3_64bits_withSeed(key.data(), key.size(), seed_);
}

void uncacheable::mark(std::string_view key, boot_time until)
{
    const auto id = hash(key);
    until_[id] = until;
    order_.push_back({.hash = id, .until = until});
    while (order_.size() > most_) {
        const auto oldest = order_.front();
        order_.pop_front();
        // Marked again since: the later marking speaks for it.
        if (const auto at = until_.find(oldest.hash); at != until_.end() && at->second == oldest.until)
            until_.erase(at);
    }
}

void uncacheable::unmark(std::string_view key)
{
    until_.erase(hash(key));
}

bool uncacheable::marked(std::string_view key, boot_time now) const noexcept
{
    if (until_.empty()) return false;
    const auto at = until_.find(hash(key));
    return at != until_.end() && now < at->second;
}

}  // namespace shoal::cache
