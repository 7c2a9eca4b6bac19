#include "services/cache/memory/memory.hpp"

#include <xxhash.h>

#include <memory>
#include <string>
#include <utility>

#include "common/core/heap.hpp"
#include "services/cache/memory/memory_entry.hpp"

namespace shoal::cache {
namespace {

/// Of one URL; the oldest goes. A client must not make lookups long by asking for ever new variants.
constexpr std::size_t most_variants = 64;

bool same_variant(const stored& a, const stored& b) noexcept
{
    return a.key() == b.key() && a.vary() == b.vary() && a.variant() == b.variant();
}

}  // namespace

memory::memory(std::uint64_t budget, std::uint64_t seed) : budget_{budget}, seed_{seed} {}

memory::~memory()
{
    clear();
}

std::uint64_t memory::hash(std::string_view key) const noexcept
{
    return XXH3_64bits_withSeed(key.data(), key.size(), seed_);
}

std::uint64_t memory::bytes() const noexcept
{
    // The table's groups of 15 slots have 16 bytes beside them.
    const std::uint64_t slots = table_.bucket_count();
    const std::uint64_t table = slots * sizeof(*table_.begin()) + slots / 15 * 16;
    return policy_.bytes() + policy_.footprint() + (table == 0 ? 0 : heap_bytes(table));
}

memory::entry* memory::first(std::uint64_t hash) const noexcept
{
    const auto at = table_.find(hash);
    return at == table_.end() ? nullptr : at->second;
}

const counted* memory::use(std::string_view key, variant_source& asks, bool whole)
{
    for (entry* at = first(hash(key)); at != nullptr; at = at->next) {
        if (at->whole != whole) continue;
        const stored& head = at->head();
        if (head.key() != key) continue;
        if (!head.vary().empty() && asks.of(head.vary()) != head.variant()) continue;
        s3_fifo::touch(*at);
        return at->what.get();
    }
    return nullptr;
}

memory::entry* memory::find_same(std::uint64_t hash, const stored& head) const noexcept
{
    entry* at = first(hash);
    while (at != nullptr && !same_variant(at->head(), head)) at = at->next;
    return at;
}

bool memory::insert(keeper what, const stored& head, bool whole)
{
    const std::uint64_t size = what->footprint() + heap_bytes(sizeof(entry));
    const auto id = hash(head.key());
    entry* const same = find_same(id, head);
    if (same != nullptr && same->whole && (!whole || is_later(same->head(), head))) return false;
    if (size > budget_ / 8) {
        // What it would have replaced is not the newest any more.
        if (same != nullptr) erase(*same);
        return refuse(head.site());
    }
    if (same != nullptr) {
        exchange(*same, std::move(what), whole, size);
    } else {
        put_new(id, std::move(what), head, whole, size);
    }
    ++total_.inserted;
    ++sites_[site_of(head.site())].second.inserted;
    make_room(0);
    return true;
}

bool memory::replace(const stored_ptr& what, const fill_id& replaces)
{
    const auto id = hash(what->key());
    entry* at = first(id);
    while (at != nullptr && !(at->whole && at->head().fill() == replaces && at->head().key() == what->key()))
        at = at->next;
    if (at == nullptr) return false;
    const std::uint64_t size = what->footprint() + heap_bytes(sizeof(entry));
    if (size > budget_ / 8) {
        erase(*at);
        return refuse(what->site());
    }
    entry* const same = find_same(id, *what);
    if (same != nullptr && same != at) erase(*same);
    exchange(*at, what, true, size);
    make_room(0);
    return true;
}

bool memory::refuse(std::string_view site)
{
    ++total_.refused;
    ++sites_[site_of(site)].second.refused;
    return false;
}

void memory::put_new(std::uint64_t hash, keeper what, const stored& head, bool whole, std::uint64_t size)
{
    // Before it is there, so that it is not what goes.
    make_room(size);
    auto made = std::make_unique<entry>();
    made->what = std::move(what);
    made->hash = hash;
    made->site = site_of(head.site());
    made->whole = whole;
    entry*& front = table_[hash];
    policy_.insert(*made, static_cast<std::uint32_t>(hash), size);
    account(*made, 0, size);
    made->next = front;
    front = made.release();
    bound_variants(hash);
}

void memory::exchange(entry& into, keeper what, bool whole, std::uint64_t size)
{
    account(into, into.bytes(), size);
    policy_.resize(into, size);
    into.what = std::move(what);
    into.whole = whole;
    // The newest is found first.
    entry*& front = table_.find(into.hash)->second;
    if (front == &into) return;
    entry* before = front;
    while (before->next != &into) before = before->next;
    before->next = into.next;
    into.next = front;
    front = &into;
}

void memory::unlink(entry& what) noexcept
{
    const auto at = table_.find(what.hash);
    entry** link = &at->second;
    while (*link != &what) link = &(*link)->next;
    *link = what.next;
    if (at->second == nullptr) table_.erase(at);
    account(what, what.bytes(), 0);
    delete &what;
}

void memory::erase(entry& what)
{
    policy_.erase(what);
    unlink(what);
}

void memory::erase_same(const counted& what, std::string_view key)
{
    for (entry* at = first(hash(key)); at != nullptr; at = at->next) {
        if (at->what.get() == &what) return erase(*at);
    }
}

void memory::bound_variants(std::uint64_t hash)
{
    entry* last = first(hash);
    std::size_t count = 1;
    for (; last->next != nullptr; last = last->next) ++count;
    if (count > most_variants) erase(*last);
}

void memory::account(const entry& what, std::uint64_t before, std::uint64_t after) noexcept
{
    for (counts* const each : {&total_, &sites_[what.site].second}) {
        each->bytes = each->bytes - before + after;
        each->objects = each->objects - (before > 0 ? 1 : 0) + (after > 0 ? 1 : 0);
    }
}

void memory::make_room(std::uint64_t more)
{
    while (bytes() + more > budget_) {
        auto* const victim = static_cast<entry*>(policy_.evict());
        if (victim == nullptr) return;
        ++total_.evicted;
        if (evicted_) evicted_();
        ++sites_[victim->site].second.evicted;
        unlink(*victim);
    }
}

std::uint32_t memory::site_of(std::string_view name)
{
    for (std::size_t i = 0; i < sites_.size(); ++i) {
        if (sites_[i].first == name) return static_cast<std::uint32_t>(i);
    }
    sites_.emplace_back(std::string{name}, counts{});
    return static_cast<std::uint32_t>(sites_.size() - 1);
}

void memory::clear()
{
    for (const auto& [hash, front] : table_) {
        for (entry* at = front; at != nullptr;) {
            policy_.erase(*at);
            account(*at, at->bytes(), 0);
            delete std::exchange(at, at->next);
        }
    }
    table_.clear();
}

void memory::resize(std::uint64_t budget)
{
    budget_ = budget;
    make_room(0);
}

stored_ptr memory::find(std::string_view key, variant_source& asks)
{
    return {static_cast<const stored*>(use(key, asks, true))};
}

partial_ptr memory::find_partial(std::string_view key, variant_source& asks)
{
    return {static_cast<const partial*>(use(key, asks, false))};
}

bool memory::insert(const stored_ptr& what)
{
    return insert(what, *what, true);
}

bool memory::insert(const partial_ptr& what)
{
    return insert(what, *what->head(), false);
}

void memory::erase(const stored& what)
{
    erase_same(what, what.key());
}

void memory::erase(const partial& what)
{
    erase_same(what, what.head()->key());
}

std::size_t memory::erase(std::string_view key)
{
    // The view may point into what goes.
    const std::string all_of{key};
    std::size_t erased = 0;
    for (entry* at = first(hash(all_of)); at != nullptr;) {
        entry* const next = at->next;
        if (at->head().key() == all_of) {
            erase(*at);
            ++erased;
        }
        at = next;
    }
    return erased;
}

std::vector<stored_ptr> memory::variants(std::string_view key) const
{
    std::vector<stored_ptr> made;
    for (const entry* at = first(hash(key)); at != nullptr; at = at->next) {
        if (at->whole && at->head().key() == key) made.emplace_back(static_cast<const stored*>(at->what.get()));
    }
    return made;
}

void memory::each_site(const std::function<void(std::string_view, const counts&)>& visit) const
{
    for (const auto& [name, count] : sites_) visit(name, count);
}

}  // namespace shoal::cache
