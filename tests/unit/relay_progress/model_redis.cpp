#include "tests/unit/relay_progress/model_redis.hpp"

#include <string>
#include <utility>

#include "common/coherence/purge_table.hpp"

namespace shoal::test {
namespace {

constexpr std::size_t most_kept = 12;

std::string packed(const std::vector<coherence::tag>& tags)
{
    std::string made;
    for (const auto each : tags) coherence::append_bucket(made, coherence::bucket_of(each));
    return made;
}

}  // namespace

void model_redis_state::purge(std::vector<coherence::tag> tags)
{
    ++sequence;
    log.push_back(std::move(tags));
}

const model_redis_state::directory_entry* model_redis_state::open(std::size_t view) const
{
    const auto& found = directory[view];
    return attached == epoch && found && found->epoch == epoch ? &*found : nullptr;
}

model_redis_state::entries model_redis_state::read(std::size_t view) const
{
    entries none;
    none.fill(-1);
    const auto* const counts = open(view);
    if (counts == nullptr) return none;
    const auto found = generations[view].find(counts->generation);
    return found == generations[view].end() ? none : found->second;
}

bool model_redis::run(const script& what)
{
    if (what.fenced && what.fence != now_.fence) return false;
    auto next = now_;
    if (!what.run(next)) return false;
    before_.push_back(std::exchange(now_, std::move(next)));
    if (before_.size() > most_kept) before_.erase(before_.begin());
    return true;
}

void model_redis::restart(fast_dice& random)
{
    before_.push_back(now_);
    now_ = before_[random.below(before_.size())];
    before_.clear();
    now_.epoch = fresh();
    now_.sequence = 0;
    now_.log.clear();
}

void model_redis::renew(coherence::log_follower& worker, std::uint64_t time) const
{
    const boot_time clock{std::chrono::nanoseconds{time}};
    coherence::log_head head{.sent = clock, .received = clock, .head = {now_.epoch, now_.sequence}};
    if (!worker.joined() || worker.position().epoch != now_.epoch) {
        worker.begin_join(head);
        (void)worker.end_join();
        // The table has the same purges as the log, which is whole here.
        std::string cells(worker.table_size(), '\0');
        for (std::uint64_t at = 1; at <= now_.sequence; ++at)
            for (const auto tag : now_.log[at - 1]) {
                cells[tag * coherence::cell_bytes + 2] = static_cast<char>(at >> 8U);
                cells[tag * coherence::cell_bytes + 3] = static_cast<char>(at & 0xffU);
            }
        worker.load(0, cells);
        return;
    }
    head.relay = {.age = {}, .views_age = {}, .purged = now_.purged, .viewed = now_.viewed};
    std::vector<std::string> texts;
    std::vector<coherence::log_entry> entries;
    for (auto at = worker.position().sequence + 1; at <= now_.sequence; ++at) texts.push_back(packed(now_.log[at - 1]));
    for (std::size_t i = 0; i < texts.size(); ++i)
        entries.push_back({{now_.epoch, worker.position().sequence + 1 + i}, texts[i], {}});
    (void)worker.renewed(head, entries);
}

}  // namespace shoal::test
