#include "tests/unit/relay_progress/model_views_life.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace shoal::test {
namespace {

using namespace std::chrono_literals;

constexpr int steps = 300;
constexpr int steps_until_quiet = 300;
constexpr unsigned table_bits = 4;

}  // namespace

void views_outcome::add(const views_outcome& other)
{
    for (const auto each :
         {&views_outcome::old_page,     &views_outcome::old_view,    &views_outcome::viewed_falsely,
          &views_outcome::went_back,    &views_outcome::halves,      &views_outcome::claimed_falsely,
          &views_outcome::differs,      &views_outcome::kept_stale,  &views_outcome::stuck,
          &views_outcome::transactions, &views_outcome::takeovers,   &views_outcome::takeovers_in_fill,
          &views_outcome::went_on,      &views_outcome::voided,      &views_outcome::late,
          &views_outcome::restarts,     &views_outcome::rounds,      &views_outcome::filled,
          &views_outcome::claims,       &views_outcome::asked_after, &views_outcome::from_replica})
        this->*each += other.*each;
}

views_life::views_life(std::uint64_t seed, left_out without)
    : random_{seed},
      left_out_{without},
      asynchronous_{random_.chance(0.3)},
      replicas_{random_.chance(0.5)},
      database_{random_, asynchronous_},
      // A life is shorter than a lease.
      worker_{{.lasts = 1h}, table_bits}
{
    begin_again();
    listed_before_.emplace();
}

views_outcome views_life::run()
{
    for (int i = 0; i < steps; ++i) step();
    settle();
    check_end();
    made_.transactions = static_cast<int>(database_.log().size());
    return made_;
}

void views_life::step()
{
    ++now_;
    if (random_.chance(0.2)) return read();
    if (random_.chance(0.3)) {
        if (confirming_ && random_.chance(0.2)) confirmed_ = std::max(confirmed_, *std::exchange(confirming_, {}));
        return database_.step(now_);
    }
    if (random_.chance(0.02)) return die();
    if (random_.chance(0.01)) {
        ++made_.restarts;
        redis_.restart(random_);
        newest_ = {};
        return;
    }
    if (random_.chance(0.004)) {
        slot_ = false;
        return begin_again();
    }
    if (!late_.empty() && random_.chance(0.1)) {
        const auto at = random_.below(late_.size());
        std::swap(late_[at], late_.back());
        const auto one = std::move(late_.back());
        late_.pop_back();
        ++made_.late;
        (void)arrives(one);
        return;
    }
    stage_is_following() ? follow_on() : attach_on();
}

/// Everybody does what there is to be done, and nothing fails.
void views_life::settle()
{
    quiet_ = true;
    for (const auto& each : std::exchange(late_, {})) (void)arrives(each);
    for (int i = 0; i < steps_until_quiet; ++i, ++now_) {
        database_.finish(now_);
        database_.replay_all();
        if (!stage_is_following()) {
            attach_on();
            continue;
        }
        receive();
        look();
        publish();
        if (!stage_is_following()) continue;
        beating_ ? beat_ends() : beat();
        if (!stage_is_following()) continue;
        keep_views();
        const bool at_rest =
            !publishing_ && !beating_ && !round_ && !fill_ && progress_.open() == 0 &&
            progress_.received() >= database_.written() && redis_.now().attached == redis_.now().epoch &&
            std::ranges::all_of(views_, [](const auto& each) { return each.ready && !each.announced; });
        if (!at_rest) continue;
        redis_.renew(worker_, now_);
        redis_.renew(worker_, now_);
        return;
    }
    ++made_.stuck;
}

}  // namespace shoal::test
