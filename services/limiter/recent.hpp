#pragma once
// A bounded table of what was used recently, by text. Pure: time is an argument.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <xxhash.h>

namespace shoal::limiter {

/// An entry goes when it has not been used for `idle_us`, and the least recently used one when there are `most`.
/// A reference stays valid until the next call of find_or_add or sweep.
template <class Value>
class recent {
public:
    /// `seed` is random where keys come from strangers: none of them can choose keys that collide.
    recent(std::size_t most, std::int64_t idle_us, std::uint64_t seed = 0)
        : most_{most}, idle_us_{idle_us}, index_{0, hash{seed}}
    {
    }
    recent(const recent&) = delete;
    recent& operator=(const recent&) = delete;

    [[nodiscard]] Value* find(std::string_view key, std::int64_t now_us)
    {
        const auto found = index_.find(key);
        if (found == index_.end()) return nullptr;
        use(found->second, now_us);
        return &found->second->value;
    }

    /// A new entry is made of a default value.
    [[nodiscard]] Value& find_or_add(std::string_view key, std::int64_t now_us)
    {
        if (Value* const found = find(key, now_us)) return *found;
        // Two for one: the table shrinks to what is in use without ever stopping to sweep.
        drop_idle(now_us);
        drop_idle(now_us);
        if (entries_.size() >= most_) drop_last();
        entries_.emplace_front(key, now_us);
        index_.emplace(entries_.front().key, entries_.begin());
        return entries_.front().value;
    }

    void for_each(const std::function<void(const std::string&, Value&)>& visit)
    {
        for (auto& one : entries_) visit(one.key, one.value);
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct entry {
        entry(std::string_view named, std::int64_t now_us) : key{named}, used_us{now_us} {}

        std::string key;
        std::int64_t used_us;
        Value value{};
    };
    using position = typename std::list<entry>::iterator;

    struct hash {
        [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept
        {
            return XXH3_64bits_withSeed(text.data(), text.size(), seed);
        }
        std::uint64_t seed = 0;
    };

    void use(position at, std::int64_t now_us)
    {
        at->used_us = now_us;
        entries_.splice(entries_.begin(), entries_, at);
    }

    void drop_idle(std::int64_t now_us)
    {
        if (!entries_.empty() && now_us - entries_.back().used_us > idle_us_) drop_last();
    }

    void drop_last()
    {
        index_.erase(entries_.back().key);
        entries_.pop_back();
    }

    std::size_t most_;
    std::int64_t idle_us_;
    std::list<entry> entries_;
    std::unordered_map<std::string_view, position, hash> index_;
};

}  // namespace shoal::limiter
