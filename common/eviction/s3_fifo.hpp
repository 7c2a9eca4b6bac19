#pragma once
// Which of the things that are kept goes next: S3-FIFO ("FIFO queues are all you need for cache eviction", SOSP 2023)
// in bytes. New things go through a small queue; those used there go on into the main one, the others leave at once
// and are remembered for a while. Other than in the paper, what leaves the main queue is remembered as well: on the
// trace web07 that gives a hit ratio of 58.5 instead of 58.1.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/eviction/ghosts.hpp"

namespace shoal::eviction {

class s3_fifo {
public:
    class walk;
    /// Where something stands beside its place in a queue.
    struct rank {
        bool in_main = false;
        std::uint8_t uses = 0;

        friend bool operator==(const rank&, const rank&) = default;
    };
    static constexpr std::uint8_t most_uses = 3;

    /// A base of what is kept; it stays where it is from insert() until erase() or evict().
    class node {
    public:
        [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
        [[nodiscard]] s3_fifo::rank rank() const noexcept { return {in_main_, uses_}; }

    private:
        friend class s3_fifo;
        node* newer_ = nullptr;
        node* older_ = nullptr;
        std::uint64_t bytes_ = 0;
        std::uint32_t id_ = 0;
        std::uint8_t uses_ = 0;
        bool in_main_ = false;
    };

    /// `id` tells things apart that left, more or less: a hash, or a number.
    void insert(node& what, std::uint32_t id, std::uint64_t bytes);
    /// The same behind everything else in its queue, as if it had come before.
    void append(node& what, std::uint32_t id, std::uint64_t bytes, rank of_it) noexcept;
    /// It was used.
    static void touch(node& what) noexcept
    {
        if (what.uses_ < most_uses) ++what.uses_;
    }
    void resize(node& what, std::uint64_t bytes) noexcept;
    void erase(node& what) noexcept;
    /// Takes out what is worth least; null when there is nothing.
    [[nodiscard]] node* evict();

    [[nodiscard]] std::uint64_t bytes() const noexcept { return small_.bytes + main_.bytes; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// What it needs itself, beside the nodes.
    [[nodiscard]] std::size_t footprint() const noexcept { return gone_.footprint(); }

private:
    struct queue {
        node* newest = nullptr;
        node* oldest = nullptr;
        std::uint64_t bytes = 0;

        void push(node& what) noexcept;
        void push_last(node& what) noexcept;
        void remove(node& what) noexcept;
    };

    [[nodiscard]] queue& of(const node& what) noexcept { return what.in_main_ ? main_ : small_; }
    void take_out(node& what) noexcept;
    [[nodiscard]] node* leave(node& what);
    [[nodiscard]] node* evict_from_small();
    [[nodiscard]] node* evict_from_main();

    queue small_;
    queue main_;
    std::size_t size_ = 0;
    ghosts gone_;
    /// Hardly ever any.
    std::vector<walk*> walks_;
};

/// Goes through what is kept, what is worth most first, and stays right while things come and go: what moves meanwhile
/// may come twice or not at all. Ends before the policy.
class s3_fifo::walk {
public:
    explicit walk(s3_fifo& over);
    ~walk();
    walk(const walk&) = delete;
    walk& operator=(const walk&) = delete;

    /// Null at the end.
    [[nodiscard]] node* next() noexcept;

private:
    friend class s3_fifo;

    s3_fifo& over_;
    /// What comes next in this queue.
    node* at_;
    bool in_main_ = true;
};

}  // namespace shoal::eviction
