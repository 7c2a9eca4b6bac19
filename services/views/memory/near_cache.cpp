#include "services/views/memory/near_cache.hpp"

#include <utility>

#include <xxhash.h>

#include "common/core/heap.hpp"

namespace shoal::views {
namespace {

constexpr std::uint64_t largest_part = 8;

}  // namespace

struct near_cache::kept : eviction::s3_fifo::node {
    std::string question;
    answer_ptr what;
};

std::size_t near_cache::seeded::operator()(std::string_view text) const noexcept
{
    return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

near_cache::near_cache(std::uint64_t budget, std::uint64_t seed) : budget_{budget}, table_{0, seeded{seed}} {}

near_cache::~near_cache() = default;

std::uint64_t near_cache::bytes() const noexcept
{
    // The table's groups of 15 slots have 16 bytes beside them.
    const std::uint64_t slots = table_.bucket_count();
    const std::uint64_t table = slots * sizeof(*table_.begin()) + slots / 15 * 16;
    return policy_.bytes() + policy_.footprint() + (table == 0 ? 0 : heap_bytes(table));
}

answer_ptr near_cache::find(std::string_view question) noexcept
{
    const auto at = table_.find(question);
    if (at == table_.end()) return nullptr;
    eviction::s3_fifo::touch(*at->second);
    return at->second->what;
}

void near_cache::insert(std::string_view question, answer_ptr what)
{
    auto made = std::make_unique<kept>();
    made->question = question;
    made->what = std::move(what);
    const std::uint64_t size =
        heap_bytes(sizeof(kept)) + heap_bytes(made->question.capacity() + 1) + made->what->footprint();
    erase(question);
    if (size > budget_ / largest_part) return;
    // Before it is there, so that it is not what goes.
    make_room(size);
    policy_.insert(*made, static_cast<std::uint32_t>(table_.hash_function()(made->question)), size);
    const std::string_view key = made->question;
    table_.emplace(key, std::move(made));
    make_room(0);
}

void near_cache::erase(std::string_view question) noexcept
{
    const auto at = table_.find(question);
    if (at == table_.end()) return;
    policy_.erase(*at->second);
    forget(*at->second);
}

void near_cache::forget(kept& what) noexcept
{
    // The key points into what goes with it.
    const auto at = table_.find(what.question);
    const auto last = std::move(at->second);
    table_.erase(at);
}

void near_cache::resize(std::uint64_t budget)
{
    budget_ = budget;
    make_room(0);
}

void near_cache::make_room(std::uint64_t more)
{
    while (bytes() + more > budget_) {
        auto* const victim = static_cast<kept*>(policy_.evict());
        if (victim == nullptr) return;
        if (evicted_) evicted_();
        forget(*victim);
    }
}

}  // namespace shoal::views
