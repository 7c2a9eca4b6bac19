#pragma once
// URLs whose answers turned out not to be cacheable: requests for them don't wait for one another.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "common/core/clock.hpp"

namespace shoal::cache {

class uncacheable {
public:
    /// Remembers the `most` newest; `seed` is drawn by the process.
    uncacheable(std::size_t most, std::uint64_t seed);

    void mark(std::string_view key, boot_time until);
    /// Of what was cached after all.
    void unmark(std::string_view key);
    [[nodiscard]] bool marked(std::string_view key, boot_time now) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return until_.size(); }

private:
    [[nodiscard]] std::uint64_t hash(std::string_view key) const noexcept;

    std::size_t most_;
    std::uint64_t seed_;
    boost::unordered_flat_map<std::uint64_t, boot_time> until_;
    /// In the order of marking; what was unmarked or marked again is skipped when its turn comes.
    struct marking {
        std::uint64_t hash = 0;
        boot_time until;
    };
    std::deque<marking> order_;
};

}  // namespace shoal::cache
