#pragma once
// Follows one database: from its replication slot through the rules into the purge log. Begins anew, from what was
// confirmed, whenever the database, the slot or Redis is lost.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/clock.hpp"
#include "common/worker/service.hpp"
#include "services/relay/handlers/instruments.hpp"
#include "services/relay/handlers/retries.hpp"
#include "services/relay/handlers/settings.hpp"
#include "services/relay/handlers/standing.hpp"
#include "services/relay/handlers/view_auditor.hpp"
#include "services/relay/handlers/view_audits.hpp"
#include "services/relay/handlers/view_instruments.hpp"
#include "services/relay/handlers/view_keeper.hpp"
#include "services/relay/handlers/view_standing.hpp"
#include "services/relay/postgres/database.hpp"
#include "services/relay/postgres/replication.hpp"
#include "services/relay/progress/progress.hpp"
#include "services/relay/protocol/relations.hpp"
#include "services/relay/rules/collector.hpp"
#include "services/relay/rules/tables.hpp"
#include "services/relay/store/relay_log.hpp"
#include "services/relay/views/marks.hpp"

namespace shoal::relay {

class feed : private view_host {
public:
    feed(const worker::context& from, std::shared_ptr<const settings> chosen);

    /// Until stop().
    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop();
    /// Other rules hold from the next connection on, which is made at once.
    void choose(std::shared_ptr<const settings> chosen);
    /// While true it has no slot and takes none: the slot is about to be dropped. What then is there is followed anew.
    void keep_away(bool away);

    [[nodiscard]] standing now() const;
    /// Of the configuration that is followed; none while no slot is.
    [[nodiscard]] std::vector<view_standing> views() const;
    [[nodiscard]] const view_audits& audits() const noexcept { return audits_; }
    /// All of a view anew, while it is served. False where it is not ready, or another process keeps it.
    [[nodiscard]] bool rebuild(std::string_view view) { return keeper_ && keeper_->rebuild(view); }

private:
    template <class T>
    using task = boost::asio::awaitable<T>;

    // feed.cpp: one attempt after the other. Each step is false, with standing_.why, when the attempt is over.
    [[nodiscard]] task<void> attempt();
    [[nodiscard]] task<bool> connect();
    [[nodiscard]] task<bool> review_rules();
    [[nodiscard]] task<result<std::string>> refused_rule(database& by);
    [[nodiscard]] task<bool> may_see_replicas();
    [[nodiscard]] task<bool> wait_for_replicas();
    [[nodiscard]] std::string late_replicas(const sight& by, lsn end) const;
    [[nodiscard]] task<bool> review_views(database& by);
    [[nodiscard]] task<bool> prepare_slot();
    [[nodiscard]] task<bool> take_slot();
    [[nodiscard]] task<bool> note_slot();
    [[nodiscard]] task<bool> attach();
    [[nodiscard]] task<bool> void_all(std::string source);
    [[nodiscard]] bool give_up(std::string why);
    [[nodiscard]] bool give_up(std::string_view doing, boost::system::error_code error, const std::string& detail);
    [[nodiscard]] task<void> pause(std::chrono::nanoseconds time);

    // feed_follow.cpp: what runs while the slot is this process's.
    [[nodiscard]] task<void> follow();
    void begin_part(std::string_view name, task<void> part);
    [[nodiscard]] task<void> read();
    [[nodiscard]] task<void> publish();
    [[nodiscard]] task<bool> write(progress::batch what);
    void end_writing(boost::system::error_code failure);
    [[nodiscard]] task<void> look();
    [[nodiscard]] task<void> beat();
    [[nodiscard]] task<void> review_on();
    void note_replicas();
    [[nodiscard]] task<bool> look_once();
    [[nodiscard]] task<bool> push();
    [[nodiscard]] task<bool> confirm();
    [[nodiscard]] task<std::optional<sight>> sight_after(std::uint64_t number);
    [[nodiscard]] task<std::optional<std::uint64_t>> note(std::uint64_t claim);
    [[nodiscard]] task<bool> catch_up(const sight& with);
    [[nodiscard]] bool views_current(const sight& with) const noexcept;
    [[nodiscard]] task<void> wait_for_change(std::chrono::nanoseconds at_most) override;
    void changed() override;
    void end(std::string why) override;
    [[nodiscard]] bool over() const noexcept override { return over_; }
    [[nodiscard]] progress& transactions() noexcept override { return progress_; }
    [[nodiscard]] const sight* seen() const noexcept override { return sight_ ? &*sight_ : nullptr; }
    void interrupt(std::string why);
    [[nodiscard]] bool outdated() const noexcept { return stopping_ || away_ || by_ != chosen_; }

    // feed_changes.cpp: what one message does.
    [[nodiscard]] result<void> take(const message& what);
    [[nodiscard]] result<void> take(const commit& what);
    [[nodiscard]] result<void> take(const truncate& what);
    void take(const emitted& what);
    [[nodiscard]] result<void> take(relation what);
    template <class Change>
    [[nodiscard]] result<void> take_change(const Change& what);

    worker::context on_;
    instruments counts_;
    view_instruments view_counts_;
    view_audits audits_;
    std::shared_ptr<const settings> chosen_;
    /// What this attempt goes by.
    std::shared_ptr<const settings> by_;
    database database_;
    /// Of what looks at the catalog while others ask what can be seen.
    database reviewer_;
    replication stream_;
    relay_log log_;
    boost::asio::steady_timer pause_;
    bool stopping_ = false;
    bool away_ = false;
    /// Of attempts that the database was asked in, and that came to claim nothing.
    retries retries_;
    standing standing_;
    bool new_slot_ = false;
    /// The schema was found to be one in which a relay, this or another, may have missed changes.
    bool missed_ = false;
    lsn slot_confirmed_ = 0;

    // Of one connection.
    progress progress_;
    relations relations_;
    std::optional<tables> tables_;
    std::optional<collector> collector_;
    /// The same for views, whose tags are marks.
    view_rules view_rules_;
    std::optional<tables> view_tables_;
    std::optional<collector> view_collector_;
    /// For each view why it can't be followed, or nothing.
    std::vector<std::string> unfit_views_;
    std::optional<view_keeper> keeper_;
    std::optional<view_auditor> auditor_;
    /// What is claimed of views next, once all that could be seen then is in them; views may be late.
    std::uint64_t views_claim_ = 0;
    std::optional<sight> views_sight_;
    /// Of the transaction that is being received, as the stream names it, and what it emitted for its client.
    std::uint32_t xid_ = 0;
    std::string token_;
    bool over_ = true;
    int parts_ = 0;
    /// Of those in wait_for_change().
    std::vector<boost::asio::steady_timer*> waiting_;
    std::optional<sight> sight_;
    std::uint64_t sights_ = 0;
    /// A sight is wanted whose number is above this.
    std::uint64_t sight_wanted_ = 0;
    bool push_wanted_ = false;
    /// A table has been defined otherwise.
    bool review_wanted_ = false;
    boost::asio::steady_timer review_pause_;
    /// The end of a transaction that replicas lack, and since when it is the first one.
    std::optional<lsn> unreplayed_;
    boot_time unreplayed_since_;
    /// Whoever may see how far they are is told at the next write of the primary: one is made.
    boot_time next_nudge_;
    std::chrono::nanoseconds nudge_pause_{};
    bool told_of_replicas_ = false;
    /// Noted in Redis: what PostgreSQL may forget.
    lsn noted_ = 0;
    /// Said with a write that was sent, whether it came about or not.
    lsn purged_said_ = 0;
};

}  // namespace shoal::relay
