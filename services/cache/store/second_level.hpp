#pragma once
// The level behind every worker's memory: stored responses in a Redis of its own that keeps nothing for certain, and
// the locks by which workers agree who fetches. Coherence depends on neither: what comes from here is judged by its
// stamp.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/redis/client.hpp"
#include "common/worker/service.hpp"
#include "services/cache/memory/stored.hpp"

namespace shoal::cache {

/// Gives the variant key of the request for the names that a response's Vary has.
using variant_of = std::function<std::string(const std::vector<std::string>& vary)>;

class second_level {
public:
    /// `largest`: bytes of body above which nothing is kept here. Works, as if empty, while Redis is away.
    second_level(const worker::context& from, std::uint64_t largest);
    ~second_level();

    /// The response that is kept for the key and the request, or nothing.
    [[nodiscard]] boost::asio::awaitable<stored_ptr> find(std::string key, variant_of variant);
    /// Writes in the background, bounded: over the bound it is left out. Kept until it can't be used nor validated any
    /// more.
    void put(stored_ptr what);
    /// Of a 304: takes the place of the response of `replaces` only when that is still what is kept.
    void update(stored_ptr what, std::string replaces);

    /// Who fetches `key` (with `variant` as far as it is known).
    enum class turn : std::uint8_t {
        /// This worker, until it releases it or `lasts` is over.
        ours,
        /// Another worker is at it.
        theirs,
        /// It was found not to be cacheable a while ago: everybody fetches.
        nobodys,
        /// Redis is away: everybody fetches.
        unknown,
    };
    [[nodiscard]] boost::asio::awaitable<turn> acquire(std::string key, std::chrono::milliseconds lasts);
    /// After put(), so that those who wait find what was stored. Released in vain, too, when the fetch failed.
    void release(std::string key);
    /// Everybody fetches for themselves for a while.
    void release_uncacheable(std::string key, std::chrono::milliseconds lasts);

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::cache
