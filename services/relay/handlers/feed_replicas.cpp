// Standbys that origins read: what they lack yet, a cache may fetch from them after it was purged.

#include <fmt/format.h>

#include "common/log/log.hpp"
#include "services/relay/handlers/feed.hpp"

namespace shoal::relay {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto catch_up_pause = 250ms;
constexpr std::chrono::nanoseconds first_nudge_pause = 20ms;
constexpr std::chrono::nanoseconds longest_nudge_pause = 1s;

}  // namespace

asio::awaitable<bool> feed::may_see_replicas()
{
    if (by_->replicas.empty()) co_return true;
    const auto refused = co_await database_.refuse_replicas();
    if (!refused) co_return give_up("asking the database", refused.error(), database_.why());
    if (!refused->empty()) co_return give_up(*refused);
    co_return true;
}

/// What was committed before anybody followed is purged by nobody: it has to be everywhere before everything is void.
asio::awaitable<bool> feed::wait_for_replicas()
{
    if (by_->replicas.empty()) co_return true;
    std::optional<lsn> end;
    while (!outdated()) {
        const auto found = co_await database_.look(by_->replicas);
        if (!found) co_return give_up("asking how far replicas are", found.error(), database_.why());
        if (!end) end = found->written;
        if (found->replayed_by_all() >= *end) co_return true;
        standing_.as = role::disconnected;
        standing_.why = late_replicas(*found, *end);
        const auto pushed = co_await database_.push();
        if (!pushed) co_return give_up("asking how far replicas are", pushed.error(), database_.why());
        // Else PostgreSQL takes the slot away from one that says nothing.
        const auto sent = co_await stream_.confirm(slot_confirmed_, slot_confirmed_);
        if (!sent) co_return give_up("confirming", sent.error(), stream_.why());
        co_await pause(catch_up_pause);
    }
    co_return give_up(stopping_ ? "it stops" : "its configuration was changed");
}

/// Those that have not replayed what ends there, for people.
std::string feed::late_replicas(const sight& by, lsn end) const
{
    std::string made;
    for (std::size_t i = 0; i < by.replayed.size(); ++i) {
        if (by.replayed[i] >= end) continue;
        made += fmt::format("{}{}, which {}", made.empty() ? "it waits for replica " : ", and for ", by_->replicas[i],
                            by.replayed[i] == 0 ? std::string{"is not connected to the primary"}
                                                : "has replayed up to " + format_lsn(by.replayed[i]));
    }
    return made;
}

/// After each look. A standby tells how far it has replayed only when it receives something, or every 10 s.
void feed::note_replicas()
{
    const auto first = progress_.unreplayed();
    const auto now = boot_clock::now();
    if (first != unreplayed_) {
        unreplayed_ = first;
        unreplayed_since_ = now;
        next_nudge_ = now;
        nudge_pause_ = first_nudge_pause;
        told_of_replicas_ = false;
    }
    if (!first) return;
    if (now >= next_nudge_) {
        push_wanted_ = true;
        next_nudge_ = now + nudge_pause_;
        nudge_pause_ = std::min(2 * nudge_pause_, longest_nudge_pause);
    }
    if (told_of_replicas_ || now - unreplayed_since_ < by_->replica_patience) return;
    told_of_replicas_ = true;
    on_.log.warning("a transaction is not purged for good before replicas have it",
                    {{"why", late_replicas(*sight_, *first)}, {"end", format_lsn(*first)}});
}

}  // namespace shoal::relay
