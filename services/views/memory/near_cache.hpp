#pragma once
// What one worker keeps of the answers that it gave, within a budget of bytes that includes all it takes. Knows nothing
// of purges: whoever finds something judges it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "common/eviction/s3_fifo.hpp"
#include "services/views/memory/answer.hpp"

namespace shoal::views {

class near_cache {
public:
    /// `seed` is drawn by the process, so that nobody outside can choose questions that collide.
    near_cache(std::uint64_t budget, std::uint64_t seed);
    ~near_cache();
    near_cache(const near_cache&) = delete;
    near_cache& operator=(const near_cache&) = delete;

    /// Null when it is not here; counts as a use.
    [[nodiscard]] answer_ptr find(std::string_view question) noexcept;
    /// Takes the place of what answered the question before. What is above an eighth of the budget is not kept.
    void insert(std::string_view question, answer_ptr what);
    void erase(std::string_view question) noexcept;
    /// Evicts at once what does not fit any more.
    void resize(std::uint64_t budget);
    /// Called for each answer that makes room.
    void on_eviction(std::function<void()> told) { evicted_ = std::move(told); }

    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }
    /// All that it takes from the heap.
    [[nodiscard]] std::uint64_t bytes() const noexcept;

private:
    struct kept;
    struct seeded {
        using is_avalanching = void;
        [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept;
        std::uint64_t seed;
    };

    void forget(kept& what) noexcept;
    /// Evicts until `more` bytes fit as well.
    void make_room(std::uint64_t more);

    std::uint64_t budget_;
    /// The keys are views of the questions of what is kept.
    boost::unordered_flat_map<std::string_view, std::unique_ptr<kept>, seeded> table_;
    eviction::s3_fifo policy_;
    std::function<void()> evicted_;
};

}  // namespace shoal::views
