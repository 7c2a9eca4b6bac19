#include "common/eviction/s3_fifo.hpp"

#include <algorithm>
#include <utility>

namespace shoal::eviction {

void s3_fifo::queue::push(node& what) noexcept
{
    what.newer_ = nullptr;
    what.older_ = newest;
    (newest == nullptr ? oldest : newest->newer_) = &what;
    newest = &what;
    bytes += what.bytes_;
}

void s3_fifo::queue::push_last(node& what) noexcept
{
    what.older_ = nullptr;
    what.newer_ = oldest;
    (oldest == nullptr ? newest : oldest->older_) = &what;
    oldest = &what;
    bytes += what.bytes_;
}

void s3_fifo::queue::remove(node& what) noexcept
{
    (what.newer_ == nullptr ? newest : what.newer_->older_) = what.older_;
    (what.older_ == nullptr ? oldest : what.older_->newer_) = what.newer_;
    bytes -= what.bytes_;
}

void s3_fifo::insert(node& what, std::uint32_t id, std::uint64_t bytes)
{
    what.id_ = id;
    what.bytes_ = bytes;
    what.uses_ = 0;
    what.in_main_ = gone_.forget(id);
    of(what).push(what);
    ++size_;
}

void s3_fifo::append(node& what, std::uint32_t id, std::uint64_t bytes, rank of_it) noexcept
{
    what.id_ = id;
    what.bytes_ = bytes;
    what.uses_ = std::min(of_it.uses, most_uses);
    what.in_main_ = of_it.in_main;
    of(what).push_last(what);
    ++size_;
}

void s3_fifo::resize(node& what, std::uint64_t bytes) noexcept
{
    auto& in = of(what);
    in.bytes = in.bytes - what.bytes_ + bytes;
    what.bytes_ = bytes;
}

void s3_fifo::erase(node& what) noexcept
{
    take_out(what);
    --size_;
}

void s3_fifo::take_out(node& what) noexcept
{
    for (walk* const one : walks_)
        if (one->at_ == &what) one->at_ = what.older_;
    of(what).remove(what);
}

s3_fifo::node* s3_fifo::evict()
{
    // Each turn either returns, moves a node on, or takes a use from one.
    while (size_ > 0) {
        const bool small_is_full = small_.bytes >= bytes() / 10;
        const bool from_small = small_.oldest != nullptr && (small_is_full || main_.oldest == nullptr);
        if (node* const victim = from_small ? evict_from_small() : evict_from_main()) return victim;
    }
    return nullptr;
}

s3_fifo::node* s3_fifo::evict_from_small()
{
    node& last = *small_.oldest;
    if (last.uses_ == 0) return leave(last);
    take_out(last);
    last.uses_ = 0;
    last.in_main_ = true;
    main_.push(last);
    return nullptr;
}

s3_fifo::node* s3_fifo::evict_from_main()
{
    node& last = *main_.oldest;
    if (last.uses_ == 0) return leave(last);
    --last.uses_;
    take_out(last);
    main_.push(last);
    return nullptr;
}

s3_fifo::node* s3_fifo::leave(node& what)
{
    gone_.remember(what.id_, size_);
    erase(what);
    return &what;
}

s3_fifo::walk::walk(s3_fifo& over) : over_{over}, at_{over.main_.newest}
{
    over_.walks_.push_back(this);
}

s3_fifo::walk::~walk()
{
    std::erase(over_.walks_, this);
}

s3_fifo::node* s3_fifo::walk::next() noexcept
{
    if (at_ == nullptr && std::exchange(in_main_, false)) at_ = over_.small_.newest;
    return at_ == nullptr ? nullptr : std::exchange(at_, at_->older_);
}

}  // namespace shoal::eviction
