#include "services/cache/memory/partial.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/core/heap.hpp"

namespace shoal::cache {
namespace {

constexpr std::size_t owner_overhead = 32;

/// The rest of `view` that lies in [first, last), where it begins at `at`.
std::string_view cut(std::string_view view, std::uint64_t at, std::uint64_t first, std::uint64_t last)
{
    const auto skip = std::min<std::uint64_t>(view.size(), first > at ? first - at : 0);
    const auto end = last > at ? std::min<std::uint64_t>(view.size(), last - at) : 0;
    return end > skip ? view.substr(skip, end - skip) : std::string_view{};
}

/// The newer head, as far as both may vouch for it.
stored_ptr merged(const stored& older, const stored& newer)
{
    auto made = newer.parts();
    made.since.sequence = std::min(older.since().sequence, newer.since().sequence);
    made.tags.insert(made.tags.end(), older.tags().begin(), older.tags().end());
    std::sort(made.tags.begin(), made.tags.end());
    made.tags.erase(std::unique(made.tags.begin(), made.tags.end()), made.tags.end());
    for (auto& text : older.parts().tag_texts) {
        if (std::find(made.tag_texts.begin(), made.tag_texts.end(), text) == made.tag_texts.end())
            made.tag_texts.push_back(std::move(text));
    }
    return stored::make(made);
}

}  // namespace

partial_ptr partial::make(stored_ptr head, std::uint64_t length)
{
    return {new partial{std::move(head), length, {}}};
}

partial::partial(stored_ptr head, std::uint64_t length, std::vector<piece> pieces)
    : head_{std::move(head)}, length_{length}, pieces_{std::move(pieces)}
{
    footprint_ = heap_bytes(sizeof *this) + head_->footprint() + heap_bytes(pieces_.capacity() * sizeof(piece));
    const counted* last = nullptr;
    for (const auto& one : pieces_) {
        present_ += one.bytes.view.size();
        const auto* const owner = one.bytes.owner.get();
        if (owner == nullptr || owner == std::exchange(last, owner)) continue;
        footprint_ += std::max(owner->footprint(), one.bytes.view.size()) + owner_overhead;
    }
}

partial_ptr partial::with(const stored_ptr& head, std::uint64_t length, const part& more) const
{
    std::uint64_t size = 0;
    for (const auto& one : more.bytes) size += one.view.size();
    const bool same = head->etag() == head_->etag() && length == length_ && head->since().epoch == head_->since().epoch;
    if (!same || more.first > length_ || size > length_ - more.first) return nullptr;

    auto pieces = pieces_;
    // Gap after gap takes what of the new bytes falls into it.
    for (auto hole = missing(more.first); hole; hole = missing(hole->last + 1)) {
        std::uint64_t at = more.first;
        for (const auto& one : more.bytes) {
            const auto rest = cut(one.view, at, hole->first, hole->last + 1);
            if (!rest.empty()) pieces.push_back({.first = std::max(at, hole->first), .bytes = {rest, one.owner}});
            at += one.view.size();
        }
        if (hole->last + 1 >= at) break;
    }
    std::sort(pieces.begin(), pieces.end(), [](const piece& a, const piece& b) { return a.first < b.first; });
    pieces.shrink_to_fit();
    return {new partial{merged(*head_, *head), length_, std::move(pieces)}};
}

std::optional<partial::gap> partial::missing(std::uint64_t from) const noexcept
{
    for (const auto& one : pieces_) {
        if (one.first > from) return gap{.first = from, .last = one.first - 1};
        from = std::max(from, one.first + one.bytes.view.size());
    }
    if (from >= length_) return std::nullopt;
    return gap{.first = from, .last = length_ - 1};
}

std::optional<std::vector<shared_bytes>> partial::covers(std::uint64_t first, std::uint64_t last) const
{
    if (last < first || last >= length_) return std::nullopt;
    if (const auto hole = missing(first); hole && hole->first <= last) return std::nullopt;
    std::vector<shared_bytes> made;
    for (const auto& one : pieces_) {
        const auto view = cut(one.bytes.view, one.first, first, last + 1);
        if (!view.empty()) made.push_back({view, one.bytes.owner});
    }
    return made;
}

stored_ptr partial::complete() const
{
    if (missing()) return nullptr;
    auto made = head_->parts();
    for (const auto& one : pieces_) made.body.push_back(one.bytes);
    return stored::make(made);
}

}  // namespace shoal::cache
