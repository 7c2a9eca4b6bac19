// What one process tells the next one of its place, and what that takes.

#include <memory>
#include <utility>

#include "common/core/heap.hpp"
#include "services/cache/memory/memory_entry.hpp"

namespace shoal::cache {

std::optional<memory::walk::step> memory::walk::next()
{
    auto* const found = static_cast<entry*>(entries_.next());
    if (found == nullptr) return std::nullopt;
    return step{stored_ptr{found->whole ? &found->head() : nullptr}, found->rank()};
}

bool memory::restore(const stored_ptr& what, s3_fifo::rank rank)
{
    const auto id = hash(what->key());
    if (find_same(id, *what) != nullptr) return true;
    const std::uint64_t size = what->footprint() + heap_bytes(sizeof(entry));
    if (bytes() + size > budget_) return false;
    auto made = std::make_unique<entry>();
    made->what = what;
    made->hash = id;
    made->site = site_of(what->site());
    // Of variants the newest comes first, which need not be the one that is worth most.
    entry** link = &table_[id];
    while (*link != nullptr && is_later((*link)->head(), *what)) link = &(*link)->next;
    policy_.append(*made, static_cast<std::uint32_t>(id), size, rank);
    account(*made, 0, size);
    ++total_.inserted;
    ++sites_[made->site].second.inserted;
    made->next = *link;
    *link = made.release();
    bound_variants(id);
    make_room(0);
    return true;
}

}  // namespace shoal::cache
