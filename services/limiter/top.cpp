#include "services/limiter/top.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace shoal::limiter {

std::size_t top_refused::pair_hash::operator()(const pair& of) const noexcept
{
    const std::hash<std::string_view> hash;
    return hash(of.key) * 31 + hash(of.rule);
}

top_refused::top_refused(std::size_t capacity) : capacity_{std::max<std::size_t>(capacity, 1)}
{
    slots_.reserve(capacity_);
    ranks_.reserve(capacity_);
    index_.reserve(capacity_);
}

void top_refused::add(std::string_view rule, std::string_view key)
{
    const pair of{rule, key};
    if (const auto found = index_.find(of); found != index_.end()) return count(slots_[found->second].rank);
    slots_.size() < capacity_ ? append(of) : replace_least(of);
}

std::vector<top_refused::entry> top_refused::most(std::size_t count) const
{
    std::vector<entry> found;
    found.reserve(std::min(count, ranks_.size()));
    for (auto at = ranks_.rbegin(); at != ranks_.rend() && found.size() < count; ++at) {
        const auto& from = slots_[at->slot];
        found.push_back({.rule = from.rule, .key = from.key, .refused = at->refused, .error = from.error});
    }
    return found;
}

void top_refused::append(pair of)
{
    const auto place = slots_.size();
    const auto& made =
        slots_.emplace_back(slot{.rule = std::string{of.rule}, .key = std::string{of.key}, .error = 0, .rank = place});
    index_.emplace(pair{made.rule, made.key}, place);
    // Counts are at least 1, so that the newcomer's 0 is the least until it is counted.
    ranks_.push_back({.refused = 0, .slot = place});
    std::rotate(ranks_.begin(), ranks_.end() - 1, ranks_.end());
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) slots_[ranks_[rank].slot].rank = rank;
    count(0);
}

// The newcomer inherits the least count, which is thereby the most that it may have had before.
void top_refused::replace_least(pair of)
{
    const auto [least, place] = ranks_.front();
    auto& reused = slots_[place];
    auto node = index_.extract(pair{reused.rule, reused.key});
    reused.rule.assign(of.rule);
    reused.key.assign(of.key);
    reused.error = least;
    node.key() = {reused.rule, reused.key};
    index_.insert(std::move(node));
    count(0);
}

// Trades places with the last of its equals, so that the order holds with one more.
void top_refused::count(std::size_t rank)
{
    const auto before = ranks_[rank].refused;
    const auto first = ranks_.begin() + static_cast<std::ptrdiff_t>(rank);
    const auto last =
        std::partition_point(first, ranks_.end(), [before](const ranked& one) { return one.refused == before; }) - 1;
    std::swap(*first, *last);
    ++last->refused;
    slots_[first->slot].rank = rank;
    slots_[last->slot].rank = static_cast<std::size_t>(last - ranks_.begin());
}

}  // namespace shoal::limiter
