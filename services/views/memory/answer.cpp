#include "services/views/memory/answer.hpp"

#include <utility>

#include "common/core/heap.hpp"

namespace shoal::views {
namespace {

std::size_t heap_of(const std::string& text) noexcept
{
    static const std::size_t inside = std::string{}.capacity();
    return text.capacity() > inside ? heap_bytes(text.capacity() + 1) : 0;
}

}  // namespace

answer::answer(unsigned status, std::string body, std::string etag, const coherence::stamp& at,
               std::vector<coherence::tag> tags)
    : status_{status}, body_{std::move(body)}, etag_{std::move(etag)}, at_{at}, tags_{std::move(tags)}
{
    // It may be kept for long.
    body_.shrink_to_fit();
}

std::size_t answer::footprint() const noexcept
{
    return heap_bytes(sizeof *this) + heap_of(body_) + heap_of(etag_) +
           heap_bytes(tags_.capacity() * sizeof(coherence::tag));
}

}  // namespace shoal::views
