#pragma once
// The first level: what one worker keeps in its own memory, within a budget of bytes that includes all it takes.
// Knows nothing of freshness and purges: whoever finds something judges it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "common/eviction/s3_fifo.hpp"
#include "services/cache/memory/partial.hpp"
#include "services/cache/memory/stored.hpp"
#include "services/cache/memory/variant_source.hpp"

namespace shoal::cache {

using eviction::s3_fifo;

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

    /// Takes the place of what has the same key, Vary and variant, parts of it too. False for what is above an eighth
    /// of the budget, which also takes what it would have replaced away, and for what is older than what is here.
    bool insert(const stored_ptr& what);
    /// Takes the place of what has the same key, Vary and variant, but for a whole response.
    bool insert(const partial_ptr& what);
    /// After a 304: takes the place of `replaces` when it is still here. Its Vary may be another one.
    bool replace(const stored_ptr& what, const fill_id& replaces);

    /// What the process before this one had, each behind what was restored before it: what was worth most there comes
    /// first. False when there is no room for it, and nobody makes any. What is here already stays.
    bool restore(const stored_ptr& what, s3_fifo::rank rank);

    /// Of what was found to be of no use any more; nothing when it is not here.
    void erase(const stored& what);
    void erase(const partial& what);
    /// All variants; returns how many.
    std::size_t erase(std::string_view key);
    void clear();

    /// Called for each response that makes room; for who counts them.
    void on_eviction(std::function<void()> told) { evicted_ = std::move(told); }
    /// Evicts at once what does not fit any more.
    void resize(std::uint64_t budget);

    /// All variants of the key, newest first, without counting as a use: for inspection.
    [[nodiscard]] std::vector<stored_ptr> variants(std::string_view key) const;

    /// Goes through all responses as s3_fifo::walk does.
    class walk {
    public:
        explicit walk(memory& over) : entries_{over.policy_} {}

        struct step {
            /// Null for parts of a response.
            stored_ptr what;
            s3_fifo::rank rank;
        };
        [[nodiscard]] std::optional<step> next();

    private:
        s3_fifo::walk entries_;
    };

    [[nodiscard]] std::uint64_t budget() const noexcept { return budget_; }
    /// All that it takes from the heap.
    [[nodiscard]] std::uint64_t bytes() const noexcept;
    [[nodiscard]] const counts& total() const noexcept { return total_; }
    void each_site(const std::function<void(std::string_view site, const counts&)>& visit) const;

private:
    struct entry;
    /// The keys of the table are hashes already.
    struct as_it_is {
        using is_avalanching = void;
        std::size_t operator()(std::uint64_t hash) const noexcept { return hash; }
    };

    [[nodiscard]] std::uint64_t hash(std::string_view key) const noexcept;
    [[nodiscard]] entry* first(std::uint64_t hash) const noexcept;
    [[nodiscard]] entry* find_same(std::uint64_t hash, const stored& head) const noexcept;
    [[nodiscard]] const counted* use(std::string_view key, variant_source& asks, bool whole);

    bool insert(keeper what, const stored& head, bool whole);
    void put_new(std::uint64_t hash, keeper what, const stored& head, bool whole, std::uint64_t size);
    void exchange(entry& into, keeper what, bool whole, std::uint64_t size);
    void erase_same(const counted& what, std::string_view key);
    void erase(entry& what);
    void unlink(entry& what) noexcept;
    void bound_variants(std::uint64_t hash);
    /// Evicts until `more` bytes fit as well.
    void make_room(std::uint64_t more);

    [[nodiscard]] std::uint32_t site_of(std::string_view name);
    void account(const entry& what, std::uint64_t before, std::uint64_t after) noexcept;
    bool refuse(std::string_view site);

    std::uint64_t budget_;
    std::uint64_t seed_;
    /// Of each hash its variants, newest first; a collision of hashes only makes the list longer.
    boost::unordered_flat_map<std::uint64_t, entry*, as_it_is> table_;
    s3_fifo policy_;
    counts total_;
    std::function<void()> evicted_;
    /// Few: searched from the front.
    std::vector<std::pair<std::string, counts>> sites_;
};

}  // namespace shoal::cache
