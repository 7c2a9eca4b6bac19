// What a worker of the model serves, fetches and stores.

#include <algorithm>
#include <utility>

#include "tests/unit/coherence/model_world.hpp"

namespace shoal::test {

using namespace coherence;

namespace {

constexpr int most_tries = 4;

}  // namespace

standing cache_world::judge(const worker& at, const object& what, std::size_t key) const
{
    return at.log.judge(what.since, tags_[key]);
}

bool cache_world::servable_stale(const worker& at, standing of) const
{
    if (left_out_ == what_if::purged_served_stale && at.log.current(clock(at))) return true;
    if (left_out_ == what_if::stale_without_lease && of != standing::purged) return true;
    return may_serve_stale(at.log, clock_for_lease(at), of);
}

void cache_world::handle(std::size_t which, std::uint32_t asked)
{
    auto& at = workers_[which];
    auto& of = requests_[asked];
    if (of.tries++ == 0) of.received = clock(at);
    const auto key = of.key;
    if (const auto& kept = at.kept[key]) {
        const auto stands = judge(at, *kept, key);
        const bool fresh = kept->expires > now_;
        if (fresh && stands == standing::current && at.log.current(clock_for_lease(at))) {
            ++made_.first_level;
            return answer(at, asked, kept->version, false);
        }
        if (servable_stale(at, stands)) {
            answer(at, asked, kept->version, true);
            if (at.running[key] < 0) begin_fill(which, key, {});
            return;
        }
    }
    if (at.running[key] < 0) return begin_fill(which, key, {{asked, {}}});
    auto& running = fills_[static_cast<std::size_t>(at.running[key])];
    if (const auto ticket = join(at, of, running))
        running.waiters.push_back({asked, *ticket});
    else
        at.next[key].push_back(asked);
}

void cache_world::answer(worker& at, std::uint32_t asked, int version, bool stale)
{
    const auto& of = requests_[asked];
    ++made_.answers;
    if (stale) ++made_.stale;
    bool old = version < of.hard_needed;
    // A weak validator tells what counts as the same from what does not.
    const int grain = weak_[of.key] ? 2 : 1;
    if (!stale && version / grain < of.soft_needed / grain) old = true;
    if (old) ++made_.violations;
    at.turned = now_;
}

std::optional<fill_ticket> cache_world::join(const worker& at, const request& asked, const fill& of) const
{
    const auto ticket = join_fill(at.log, clock_for_lease(at), asked.received, of.sent);
    if (!ticket && left_out_ == what_if::joined_without_lease) return fill_ticket{at.log.position()};
    return ticket;
}

standing cache_world::follow_fill(const worker& at, const fill& of, const waiter& one) const
{
    if (left_out_ == what_if::followers_not_judged) return standing::current;
    const auto& tags = tags_[of.key];
    if (left_out_ == what_if::second_purge_hides_first && one.ticket.joined &&
        at.log.judge(*one.ticket.joined, tags) == standing::purged)
        return standing::current;
    return coherence::follow_fill(at.log, of.since, one.ticket, tags);
}

void cache_world::begin_fill(std::size_t which, std::size_t key, std::vector<waiter> for_whom)
{
    auto& at = workers_[which];
    const auto index = static_cast<std::uint32_t>(fills_.size());
    auto& made = fills_.emplace_back();
    made.key = key;
    made.waiters = std::move(for_whom);
    made.validates = at.kept[key];
    at.running[key] = index;
    if (!random_.chance(by_.use_second_level)) return send_to_origin(which, index, true);
    second_level_calls_.push_back({index, key, false, std::nullopt, {}});
    push(now_ + latency(), does::second_level_runs, second_level_calls_.size() - 1, which);
}

void cache_world::run_second_level(const second_level_call& made, std::size_t which)
{
    auto& kept = second_level_[made.key];
    if (!made.writes) {
        fills_[made.fill].found = kept;
        push(now_ + latency(), does::second_level_answers, made.fill, which);
    } else if (!made.replaces || (kept && kept->fill == *made.replaces)) {
        kept = made.what;
    } else if (kept && left_out_ == what_if::validated_renews_any) {
        kept->since = made.what.since;
    }
}

void cache_world::second_level_answered(std::size_t which, std::uint32_t index)
{
    auto& at = workers_[which];
    auto& of = fills_[index];
    if (of.found && left_out_ == what_if::second_level_without_epoch) of.found->since.epoch = at.log.position().epoch;
    const bool usable = of.found && of.found->expires > now_ && judge(at, *of.found, of.key) == standing::current &&
                        at.log.current(clock_for_lease(at));
    if (!usable) {
        if (of.found && !of.validates) of.validates = of.found;
        return send_to_origin(which, index, true);
    }
    at.kept[of.key] = of.found;
    for (const auto& each : of.waiters) {
        ++made_.second_level;
        answer(at, each.request, of.found->version, false);
    }
    end_fill(which, index);
}

/// The position is that of the moment before the request leaves.
void cache_world::send_to_origin(std::size_t which, std::uint32_t index, bool conditional)
{
    auto& at = workers_[which];
    auto& of = fills_[index];
    of.since = at.log.position();
    of.sent = clock(at);
    of.confirmed = false;
    of.conditional = conditional && of.validates.has_value();
    push(now_ + random_.between(200, by_.longest_fetch), does::origin_reads, index, which);
}

void cache_world::origin_answered(std::size_t which, std::uint32_t index)
{
    auto& at = workers_[which];
    auto& of = fills_[index];
    if (of.failed) return failed(which, of), end_fill(which, index);

    object made{of.since, of.version, ++fills_made_, now_ + random_.between(100'000, 3'000'000)};
    if (left_out_ == what_if::stamped_at_reply && !of.confirmed) made.since = at.log.position();
    if (left_out_ == what_if::validated_stamped_at_reply && of.confirmed) made.since = at.log.position();
    if (of.confirmed) {
        const auto stands = judge(at, *of.validates, of.key);
        bool proves = may_validate(at.log, clock(at), stands, !weak_[of.key]);
        if (left_out_ == what_if::weak_validators_after_purge && at.log.current(clock(at))) proves = true;
        if (left_out_ == what_if::weak_validators_without_lease && stands != standing::purged) proves = true;
        if (!proves) return send_to_origin(which, index, false);
        ++made_.validated;
        made.version = of.validates->version;
        made.fill = of.validates->fill;
    }
    store(which, of, made);

    auto waiters = std::exchange(of.waiters, {});
    std::vector<std::uint32_t> again;
    for (const auto& each : waiters) {
        if (each.ticket.joined) ++made_.followed;
        const auto stands = follow_fill(at, of, each);
        if (stands == standing::current)
            answer(at, each.request, made.version, false);
        else if (stands == standing::softly_purged && servable_stale(at, stands))
            answer(at, each.request, made.version, true);
        else
            again.push_back(each.request);
    }
    end_fill(which, index);
    for (const auto each : again) {
        ++made_.fetched_again;
        if (requests_[each].tries < most_tries) handle(which, each);
    }
}

void cache_world::failed(std::size_t which, fill& of)
{
    auto& at = workers_[which];
    if (!of.validates || !servable_stale(at, judge(at, *of.validates, of.key))) return;
    for (const auto& each : of.waiters) answer(at, each.request, of.validates->version, true);
}

void cache_world::store(std::size_t which, const fill& of, const object& made)
{
    auto& kept = workers_[which].kept[of.key];
    if (!of.confirmed || (kept && kept->fill == made.fill))
        kept = made;
    else if (kept && left_out_ == what_if::validated_renews_any)
        kept->since = made.since;
    if (!random_.chance(by_.use_second_level)) return;
    second_level_calls_.push_back({0, of.key, true, std::nullopt, made});
    if (of.confirmed) second_level_calls_.back().replaces = made.fill;
    const auto late = random_.chance(0.2) ? random_.between(10'000, 900'000) : latency();
    push(now_ + late, does::second_level_runs, second_level_calls_.size() - 1, which);
}

/// Those that could not share it share the next one, which is sent after they began.
void cache_world::end_fill(std::size_t which, std::uint32_t index)
{
    auto& at = workers_[which];
    const auto key = fills_[index].key;
    fills_[index].waiters.clear();
    at.running[key] = -1;
    std::vector<waiter> waiters;
    for (const auto each : std::exchange(at.next[key], {})) waiters.push_back({each, {}});
    if (!waiters.empty()) begin_fill(which, key, std::move(waiters));
}

}  // namespace shoal::test
