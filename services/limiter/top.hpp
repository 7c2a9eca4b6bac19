#pragma once
// The most refused keys, in bounded memory: the space-saving sketch of Metwally, Agrawal and El Abbadi, "Efficient
// computation of frequent and top-k elements in data streams" (ICDT 2005).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shoal::limiter {

/// Counts refusals by rule and key. Of N in all, every pair that was refused more than N / capacity times is here,
/// and an entry was truly refused between `refused - error` and `refused` times.
class top_refused {
public:
    struct entry {
        std::string rule;
        std::string key;
        std::uint64_t refused = 0;
        std::uint64_t error = 0;
    };

    /// At least 1. Memory: capacity times the longest rule and key seen.
    explicit top_refused(std::size_t capacity = 128);

    top_refused(const top_refused&) = delete;
    top_refused& operator=(const top_refused&) = delete;

    /// O(log capacity). Allocates nothing for a pair that is tracked, and for another only until strings have grown.
    void add(std::string_view rule, std::string_view key);

    /// The most refused first, at most `count`. Equals stand in no particular order.
    [[nodiscard]] std::vector<entry> most(std::size_t count) const;

private:
    struct pair {
        std::string_view rule;
        std::string_view key;

        bool operator==(const pair&) const = default;
    };
    struct pair_hash {
        std::size_t operator()(const pair& of) const noexcept;
    };
    struct slot {
        std::string rule;
        std::string key;
        std::uint64_t error = 0;
        std::size_t rank = 0;
    };
    struct ranked {
        std::uint64_t refused = 0;
        std::size_t slot = 0;
    };

    void append(pair of);
    void replace_least(pair of);
    void count(std::size_t rank);

    std::size_t capacity_;
    /// Never reallocated: `index_` looks into the strings.
    std::vector<slot> slots_;
    std::unordered_map<pair, std::size_t, pair_hash> index_;
    /// By count, the least first.
    std::vector<ranked> ranks_;
};

}  // namespace shoal::limiter
