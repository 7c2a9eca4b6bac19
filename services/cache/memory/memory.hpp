#pragma once
// The first level: what one worker keeps in its own memory, within a budget of bytes that includes all it takes.
// Knows nothing of freshness and purges: whoever finds something judges it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "services/cache/memory/partial.hpp"
#include "services/cache/memory/stored.hpp"
#include "services/cache/memory/variant_source.hpp"

namespace shoal::cache {

class memory {
public:
    /// What is here of all sites, or of one.
    struct counts {
        std::uint64_t objects = 0;
        /// Of the objects; bytes() adds what the tables take.
        std::uint64_t bytes = 0;
        /// Since the process began.
        std::uint64_t inserted = 0;
        std::uint64_t evicted = 0;
        std::uint64_t refused = 0;
    };

    /// `seed` is drawn by the process, so that nobody outside can choose keys that collide.
    memory(std::uint64_t budget, std::uint64_t seed);
    ~memory();
    memory(const memory&) = delete;
    memory& operator=(const memory&) = delete;

    /// The newest response that is kept for the key and the request, and counts as a use of it. Allocates nothing.
    [[nodiscard]] stored_ptr find(std::string_view key, variant_source& asks);
    /// The same for parts of a response.
    [[nodiscard]] partial_ptr find_partial(std::string_view key, variant_source& asks);

    /// Takes the place of what has the same key, Vary and variant, parts of it too. False, and nothing is kept, for
    /// what is above an eighth of the budget.
    bool insert(stored_ptr what);
    /// Takes the place of what has the same key, Vary and variant, but for a whole response.
    bool insert(partial_ptr what);
    /// After a 304: takes the place of `replaces` when it is still here. Its Vary may be another one.
    bool replace(stored_ptr what, const fill_id& replaces);

    /// Of what was found to be of no use any more; nothing when it is not here.
    void erase(const stored& what);
    void erase(const partial& what);
    /// All variants; returns how many.
    std::size_t erase(std::string_view key);
    void clear();

    /// Evicts at once what does not fit any more.
    void resize(std::uint64_t budget);

    /// All variants of the key, newest first, without counting as a use: for inspection.
    [[nodiscard]] std::vector<stored_ptr> variants(std::string_view key) const;

    [[nodiscard]] std::uint64_t budget() const noexcept;
    /// All that it takes from the heap.
    [[nodiscard]] std::uint64_t bytes() const noexcept;
    [[nodiscard]] const counts& total() const noexcept;
    void each_site(const std::function<void(std::string_view site, const counts&)>& visit) const;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace shoal::cache
