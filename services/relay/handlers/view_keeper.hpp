#pragma once
// Keeps the views of one database true while the relay has its slot: each round recomputes, in one snapshot, what all
// transactions changed that the snapshot sees, and writes it at once.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "common/core/clock.hpp"
#include "common/worker/service.hpp"
#include "services/relay/handlers/settings.hpp"
#include "services/relay/handlers/view_host.hpp"
#include "services/relay/handlers/view_instruments.hpp"
#include "services/relay/handlers/view_lister.hpp"
#include "services/relay/handlers/view_standing.hpp"
#include "services/relay/postgres/view_reader.hpp"
#include "services/relay/postgres/view_session.hpp"
#include "services/relay/progress/progress.hpp"
#include "services/relay/store/relay_log.hpp"
#include "services/relay/views/marks.hpp"
#include "services/relay/views/writing.hpp"

namespace shoal::relay {

/// A view as its entries can be compared.
struct kept_view {
    const view_definition* of = nullptr;
    std::uint64_t generation = 0;
    view_shape shape;
    /// As SQL has them, one after the other.
    std::string tables;
};

class view_keeper {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// Of one attempt; these live longer.
    view_keeper(const worker::context& on, view_instruments& counts, view_host& host, relay_log& log,
                std::shared_ptr<const settings> by, const view_rules& with);

    /// `goes_on`: what Redis has of this database is as far as what comes. `unfit`: for each view why it can't be
    /// followed, or nothing. Once the log is attached, and before run().
    [[nodiscard]] task<result<void>> attach(bool goes_on, const std::vector<std::string>& unfit);
    /// Beside each other, until the attempt is over.
    [[nodiscard]] task<void> run();
    [[nodiscard]] task<void> list() { return lister_.run(); }
    void close() noexcept;

    /// Recomputes all of a view while it is served; one whose query was refused is tried at once. False when there is
    /// no such view, it is being filled, or its tables don't fit.
    [[nodiscard]] bool rebuild(std::string_view view);
    /// For each view why it can't be followed now, or nothing; taken up before the next round.
    void reviewed(std::vector<std::string> unfit);
    /// Nothing of one that is not ready.
    [[nodiscard]] std::optional<kept_view> at(std::size_t view) const;
    /// An entry that is not what it should be: it is recomputed in the next round.
    void doubt(std::size_t view, std::string key);
    /// From now on, whether one of these is recomputed is noted; of one view, and in place of those before.
    void watch(std::size_t view, const std::vector<std::string>& keys);
    [[nodiscard]] bool touched(const std::string& key) const;
    /// The last position that a write named; what is less is not said any more.
    [[nodiscard]] lsn said() const noexcept { return said_; }
    [[nodiscard]] std::vector<view_standing> now() const;

private:
    static constexpr std::chrono::seconds first_retry_pause{2};

    struct kept {
        const view_definition* of = nullptr;
        std::string digest{};
        /// As SQL has them, one after the other.
        std::string tables{};
        views::directory_entry now{};
        /// What the next write says of it in the directory, and the generation that is deleted after that.
        bool announced = false;
        std::uint64_t replaced = 0;
        std::optional<view_shape> shape{};
        std::string why{};
        boot_time retry_at = boot_time::min();
        std::chrono::seconds retry_pause = first_retry_pause;
        std::size_t keys_at_once = most_keys_at_once;
        /// How often the session has ended since something was written.
        int losses = 0;
        /// All of its keys are to be listed, anew where that is under way.
        bool wants_fill = false;
        /// Nothing of its generation was there before it was listed.
        bool fresh = false;
        std::uint64_t entries = 0;
        /// KEYs to be recomputed though nothing has changed them.
        dirty_view::texts doubted{};
        /// Those of them that a round has taken.
        dirty_view::texts doubting{};
    };
    // view_keeper.cpp
    void void_view(kept& which, views::state to, std::string why);
    void announce();
    void fail(std::size_t view, std::string why);
    [[nodiscard]] bool refused(std::size_t view, boost::system::error_code error);
    void take_review();

    // view_rounds.cpp
    [[nodiscard]] bool wanted() const noexcept;
    [[nodiscard]] bool may_list(const kept& which) const noexcept;
    [[nodiscard]] task<void> round();
    [[nodiscard]] task<bool> open();
    [[nodiscard]] task<bool> look_at_queries();
    void look_at_listing();
    [[nodiscard]] task<std::optional<sight>> begin();
    [[nodiscard]] task<void> fail_locked();
    [[nodiscard]] task<void> await_stream(const sight& with);
    [[nodiscard]] bool none_is_kept() const noexcept;
    [[nodiscard]] task<bool> keep(const sight& with, bool has_session);
    [[nodiscard]] task<bool> compute(dirty_views& what);
    void end_listing();
    [[nodiscard]] task<bool> write(const progress::views_batch& batch);
    [[nodiscard]] task<void> tend();
    [[nodiscard]] task<void> count();

    // view_recompute.cpp: of one view in the round's snapshot.
    [[nodiscard]] task<bool> recompute(std::size_t view, dirty_view& what);
    [[nodiscard]] task<bool> add_selected(std::size_t view, dirty_view& what);
    [[nodiscard]] task<bool> add_absent(std::size_t view, dirty_view& what);
    [[nodiscard]] task<bool> recompute_entries(std::size_t view, std::vector<std::string> keys);
    [[nodiscard]] task<bool> recompute_members(std::size_t view, std::vector<std::string> members);
    [[nodiscard]] task<bool> add(std::size_t view, view_entry what);
    [[nodiscard]] task<bool> flush_when_full();
    void note_touched(std::size_t view, const std::string& key);

    worker::context on_;
    view_instruments& counts_;
    view_host& host_;
    relay_log& log_;
    std::shared_ptr<const settings> by_;
    const view_rules& rules_;
    view_session session_;
    view_lister lister_;
    std::vector<kept> views_;
    view_writing writing_;
    /// Of the view that is recomputed.
    dirty_view::texts members_;
    std::uint64_t staged_ = 0;
    bool sweeps_ = true;
    /// A round has failed, and the next one waits; not so where it goes on without a view.
    bool failed_ = false;
    bool goes_without_ = false;
    /// The view that was listed last.
    std::size_t listed_ = 0;
    /// The keys that the round takes of the listing are its last.
    bool listing_ends_ = false;
    std::size_t watched_view_ = 0;
    /// And whether they were recomputed.
    boost::unordered_flat_map<std::string, bool> watched_;
    lsn said_ = 0;
    boot_time counted_at_ = boot_time::min();
    boot_time swept_at_ = boot_time::min();
    std::vector<std::string> review_;
};

}  // namespace shoal::relay
