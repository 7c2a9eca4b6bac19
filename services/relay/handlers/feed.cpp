#include "services/relay/handlers/feed.hpp"

#include <utility>

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/coherence/purge_table.hpp"
#include "common/coherence/tags.hpp"
#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "services/relay/handlers/view_review.hpp"
#include "services/relay/postgres/catalog.hpp"
#include "services/relay/rules/review.hpp"

namespace shoal::relay {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Of a standby, and while there is no Redis.
constexpr auto look_pause = 250ms;
/// At most: it is told when the slot is dropped.
constexpr auto away_pause = 1s;
constexpr const char* waits_for_all =
    "which waits for the transactions that run: see those of pg_stat_activity with the oldest xact_start";
constexpr const char* too_much_kept = "the slot kept more of the database's log than its budget";

}  // namespace

feed::feed(const worker::context& from, std::shared_ptr<const settings> chosen)
    : on_{from},
      counts_{from.metrics, [this] { return now(); }},
      view_counts_{from.metrics, [this] { return views(); }},
      audits_{from.metrics},
      chosen_{std::move(chosen)},
      database_{from.loop},
      reviewer_{from.loop},
      stream_{from.loop},
      log_{from.state, from.incarnation},
      pause_{from.loop},
      review_pause_{from.loop}
{
}

standing feed::now() const
{
    auto found = standing_;
    found.received = progress_.received();
    found.done = noted_;
    found.open_transactions = progress_.open();
    found.rows = counts_.rows.value();
    found.writes = counts_.writes.value();
    found.epoch = log_.epoch();
    if (sight_) found.server = sight_->flushed;
    if (found.as != role::active || !unreplayed_ || !sight_) return found;
    found.replicas_wait = boot_clock::now() - unreplayed_since_;
    if (found.replicas_wait > by_->replica_patience) found.why = late_replicas(*sight_, *unreplayed_);
    return found;
}

std::vector<view_standing> feed::views() const
{
    return keeper_ ? keeper_->now() : std::vector<view_standing>{};
}

asio::awaitable<void> feed::run()
{
    std::string last;
    while (!stopping_) {
        if (away_) {
            co_await pause(away_pause);
            continue;
        }
        by_ = chosen_;
        view_rules_ = rules_of(by_->views);
        const auto claimed = standing_.current_at;
        // Without Redis nothing could be confirmed, and a connection that confirms nothing keeps PostgreSQL from
        // ending.
        const bool worth_it = on_.state.available();
        if (!worth_it) standing_.why = "Redis is not available";
        try {
            if (worth_it) co_await attempt();
        } catch (const std::exception& failure) {
            standing_.why = failure.what();
        }
        // Each time it loses what it had is another one.
        if (standing_.as == role::active) last.clear();
        if (standing_.current_at != claimed) retries_.reset();
        standing_.as = role::disconnected;
        stream_.close();
        database_.close();
        keeper_.reset();
        if (stopping_) break;
        if (away_) standing_.why = too_much_kept;
        if (standing_.why != last) on_.log.warning("the relay is not attached", {{"why", standing_.why}});
        last = standing_.why;
        if (outdated()) continue;
        // Not in the call: GCC 12 draws the next pause there in either case.
        std::chrono::nanoseconds time = look_pause;
        if (worth_it) time = retries_.next();
        co_await pause(time);
    }
}

void feed::stop()
{
    stopping_ = true;
    interrupt("it stops");
}

void feed::choose(std::shared_ptr<const settings> chosen)
{
    chosen_ = std::move(chosen);
    retries_.reset();
    interrupt("its configuration was changed");
}

void feed::keep_away(bool away)
{
    away_ = away;
    if (away) interrupt(too_much_kept);
    if (!away) pause_.cancel();
}

/// Also an attempt that is not that far.
void feed::interrupt(std::string why)
{
    end(std::move(why));
    stream_.close();
    database_.close();
    reviewer_.close();
    pause_.cancel();
}

asio::awaitable<void> feed::pause(std::chrono::nanoseconds time)
{
    pause_.expires_after(time);
    boost::system::error_code woken;
    if (!stopping_) co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

bool feed::give_up(std::string why)
{
    standing_.why = std::move(why);
    return false;
}

bool feed::give_up(std::string_view doing, boost::system::error_code error, const std::string& detail)
{
    return give_up(fmt::format("{}: {}", doing, detail.empty() ? error.message() : detail));
}

asio::awaitable<void> feed::attempt()
{
    // A variable, as GCC 12 lays the frame of a coroutine without any out wrongly when it awaits in a condition.
    bool goes_on = co_await connect();
    if (goes_on) goes_on = co_await prepare_slot();
    if (goes_on) goes_on = co_await take_slot();
    if (goes_on) goes_on = co_await note_slot();
    if (goes_on) goes_on = co_await attach();
    if (!goes_on || outdated()) co_return;
    counts_.connections.add();
    standing_.as = role::active;
    standing_.why.clear();
    on_.log.info("the relay is attached", {{"source", standing_.source}, {"slot", by_->slot}});
    co_await follow();
}

asio::awaitable<bool> feed::connect()
{
    auto to = by_->database;
    to.application = "shoal " + on_.worker_name;
    const auto asks = co_await database_.connect(to);
    if (!asks) co_return give_up("connecting to the database", asks.error(), database_.why());
    const auto unfit = co_await database_.refuse();
    if (!unfit) co_return give_up("asking the database", unfit.error(), database_.why());
    if (!unfit->empty()) co_return give_up("the database can't be followed: " + *unfit);
    bool fits = co_await review_rules();
    if (fits) fits = co_await may_see_replicas();
    if (!fits) co_return false;
    const auto who = co_await stream_.connect(to);
    if (!who) co_return give_up("connecting for replication", who.error(), stream_.why());
    standing_.source = *who;
    co_return true;
}

/// Rules that would silently miss changes are not followed at all.
asio::awaitable<bool> feed::review_rules()
{
    const auto refused = co_await refused_rule(database_);
    if (!refused) co_return give_up("reading the database's catalog", refused.error(), database_.why());
    missed_ = missed_ || !refused->empty();
    if (!refused->empty()) co_return give_up(*refused);
    const bool known = co_await review_views(database_);
    co_return known;
}

/// A view that would miss changes is not kept; all others are.
asio::awaitable<bool> feed::review_views(database& by)
{
    unfit_views_.assign(by_->views.size(), {});
    if (view_rules_.all.empty()) co_return true;
    const auto found = co_await read_catalog(by, by_->publication, view_rules_.all);
    if (!found) co_return give_up("reading the database's catalog", found.error(), by.why());
    unfit_views_ = unfit_views(by_->views, view_rules_, *found);
    co_return true;
}

/// Empty when the rules hold in the schema as it is now.
asio::awaitable<result<std::string>> feed::refused_rule(database& by)
{
    const auto held = by_;
    const auto found = co_await read_catalog(by, held->publication, held->all);
    if (!found) co_return found.error();
    if (!found->has_publication)
        co_return fmt::format("the database has no publication {}: scripts/fleet relay setup makes it",
                              held->publication);
    for (std::size_t place = 0; place < held->all.size(); ++place)
        for (const auto& one : review(held->all[place], found->tables[place]))
            if (one.how == severity::refuse)
                co_return fmt::format("rules[{}]: {}. scripts/fleet relay check says the rest", place, one.text);
    co_return std::string{};
}

asio::awaitable<bool> feed::prepare_slot()
{
    const auto found = co_await database_.slot(by_->slot);
    if (!found) co_return give_up("looking for the slot", found.error(), database_.why());
    if (!found->unfit.empty()) co_return give_up(found->unfit);
    new_slot_ = !found->exists || found->lost;
    if (!new_slot_) co_return true;
    if (found->lost) {
        const auto dropped = co_await database_.drop_lost_slot(by_->slot);
        if (!dropped) co_return give_up("dropping the slot that has lost its log", dropped.error(), database_.why());
    }
    standing_.why = fmt::format("making slot {}, {}", by_->slot, waits_for_all);
    on_.log.info("a slot is being made, which waits for the transactions that run", {{"slot", by_->slot}});
    const auto made = co_await database_.create_slot(by_->slot);
    if (!made) co_return give_up("making the slot", made.error(), database_.why());
    co_return true;
}

/// Waits as long as another process has it; by then the schema may be another.
asio::awaitable<bool> feed::take_slot()
{
    bool waited = false;
    while (!outdated()) {
        const auto found = co_await database_.slot(by_->slot);
        if (!found) co_return give_up("looking for the slot", found.error(), database_.why());
        // PostgreSQL logs an error for who wants one that is not free.
        auto state = slot_state::in_use;
        if (!found->in_use) {
            const auto started = co_await stream_.start(by_->slot, by_->publication);
            if (!started) co_return give_up("starting replication", started.error(), stream_.why());
            state = *started;
        }
        if (state == slot_state::taken) {
            bool fits = true;
            if (waited) fits = co_await review_rules();
            co_return fits;
        }
        waited = true;
        retries_.reset();
        standing_.as = role::standby;
        standing_.why.clear();
        if (found->confirmed == 0) standing_.why = fmt::format("slot {} is being made, {}", by_->slot, waits_for_all);
        co_await pause(look_pause);
    }
    co_return give_up(stopping_ ? "it stops" : "its configuration was changed");
}

/// Only now: who had the slot before has moved it, and while nobody had it anybody could, or make another of its name.
asio::awaitable<bool> feed::note_slot()
{
    const auto found = co_await database_.slot(by_->slot);
    if (!found) co_return give_up("looking at the slot", found.error(), database_.why());
    if (!found->unfit.empty()) co_return give_up(found->unfit);
    slot_confirmed_ = found->confirmed;
    co_return true;
}

asio::awaitable<bool> feed::void_all(std::string source)
{
    std::string all;
    coherence::append_bucket(all, coherence::bucket_of(coherence::tag_of(coherence::tag_kind::all, "", "")));
    const relay_log::note nothing;
    const auto voided = co_await log_.purge(all, {}, nothing);
    if (!voided) co_return give_up("purging everything", voided.error(), {});
    counts_.voided.add();
    on_.log.warning("everything cached is void, as changes may have been missed", {{"source", source}});
    co_return true;
}

/// Rule 6 (services/relay/README.md): where changes may have been missed, everything that was cached before is void.
/// The slot is there by now, so what comes after is not missed.
asio::awaitable<bool> feed::attach()
{
    const auto before = co_await log_.own();
    if (!before) co_return give_up("noting in Redis who has the slot", before.error(), {});
    const auto noted = parse_lsn(before->position);
    const auto source = fmt::format("{}/{}/{:016x}", standing_.source, by_->slot, rules_digest(*by_));
    const bool goes_on = !missed_ && !new_slot_ && before->source == source && noted && slot_confirmed_ <= *noted;
    if (!goes_on) {
        bool voided = co_await void_all(source);
        // What is cached meanwhile may be of a replica that lacks what was missed.
        if (voided && !by_->replicas.empty()) {
            voided = co_await wait_for_replicas();
            if (voided) voided = co_await void_all(source);
        }
        if (!voided) co_return false;
    }
    const auto views_noted = parse_lsn(before->views_position);
    const bool views_go_on =
        !missed_ && !new_slot_ && before->views_source == source && views_noted && slot_confirmed_ <= *views_noted;
    noted_ = slot_confirmed_;
    const auto position = format_lsn(noted_);
    // Views that are not of this source are so until they are void.
    const std::string views_source = views_go_on ? source : std::string{};
    const auto attached = co_await log_.attach(source, position, views_source);
    if (!attached) co_return give_up("noting in Redis what is followed", attached.error(), {});
    keeper_.emplace(on_, view_counts_, static_cast<view_host&>(*this), log_, by_, view_rules_);
    const auto kept = co_await keeper_->attach(views_go_on, unfit_views_);
    if (!kept) co_return give_up("noting in Redis which views there are", kept.error(), {});
    if (!views_go_on) {
        const auto voided = co_await log_.attach(source, position, source);
        if (!voided) co_return give_up("noting in Redis what views are of", voided.error(), {});
    }
    missed_ = false;
    co_return true;
}

}  // namespace shoal::relay
