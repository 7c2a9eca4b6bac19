#include "tests/unit/limiter/model_game.hpp"

#include <algorithm>
#include <utility>

namespace shoal::test {
namespace {

using namespace limiter;

constexpr std::int64_t epoch_us = 1'763'822'000'000'000;

}  // namespace

lease_game::lease_game(const rate& by, const game_rules& rules, std::uint64_t seed, what_if left_out)
    : by_{by}, rules_{rules}, left_out_{left_out}, random_{seed}, redis_{left_out, random_.chance(0.7)}
{
    hands_.resize(static_cast<std::size_t>(random_.between(1, 5)));
}

history lease_game::play()
{
    for (int i = 0; i < rules_.moves; ++i) move();
    return std::move(made_);
}

decision lease_game::run(const ask& asked)
{
    // Redis runs no two commands in one microsecond; generations rely on it.
    ++now_us_;
    const auto made = redis_.run(asked, by_, 1, epoch_us + now_us_ + redis_offset_us_).made;
    if (made.granted && asked.cost > 0) made_.admitted.push_back({now_us_, asked.cost});
    if (made.refunded > 0) made_.allowed.push_back({now_us_, made.refunded});
    return made;
}

void lease_game::move()
{
    const auto span = lease_span_us(by_);
    if (random_.chance(0.4)) now_us_ += random_.between(0, random_.chance(0.2) ? 4 * span : span);
    hand& of = hands_[static_cast<std::size_t>(random_.between(0, static_cast<std::int64_t>(hands_.size()) - 1))];
    auto pick = random_.between(1, 15 + rules_.refunds + rules_.deletes + rules_.steps_back);
    if ((pick -= 4) <= 0) return lease(of);
    if ((pick -= 4) <= 0) return spend(of);
    if ((pick -= 3) <= 0) return give_back(of);
    if (--pick <= 0) return take(random_.between(1, by_.burst));
    if (--pick <= 0) return take_and_undo(of);
    if ((pick -= 2) <= 0) return take_all();
    if ((pick -= rules_.refunds) <= 0) return (void)run({.refund = random_.between(1, by_.burst)});
    if ((pick -= rules_.steps_back) <= 0) {
        redis_offset_us_ -= random_.of_any_size(1, 8 * span);
        return;
    }
    ++now_us_;
    redis_.forget(epoch_us + now_us_ + redis_offset_us_);
    made_.allowed.push_back({now_us_, by_.burst});
}

void lease_game::lease(hand& of)
{
    const auto cost = random_.between(0, 2);
    const auto made = run({.settles = std::exchange(of.lease, std::nullopt),
                           .cost = cost,
                           .crowd = cost + (random_.chance(0.3) ? random_.between(0, by_.burst) : 0),
                           .wanted = random_.chance(0.8) ? random_.between(0, most_leased(by_)) : 0});
    of.lease = settlement{.before = made.before,
                          .after = made.after,
                          .granted = made.cells,
                          .unspent = std::max<std::int64_t>(0, made.cells - cost),
                          .version = 1};
    of.until_us = now_us_ + (made.leased ? lease_span_us(by_) : 0);
    if (!made.leased) spend(of);
}

void lease_game::spend(hand& of)
{
    if (!of.lease || now_us_ > of.until_us || of.lease->unspent == 0) return;
    const auto cells = random_.chance(0.5) ? of.lease->unspent : random_.between(1, of.lease->unspent);
    of.lease->unspent -= cells;
    made_.admitted.push_back({now_us_, cells});
}

/// At once, or emptied now and run later, or never.
void lease_game::give_back(hand& of)
{
    if (of.on_its_way) {
        const auto left = std::exchange(of.on_its_way, std::nullopt);
        (void)run({.settles = left});
        if (left_out_ == what_if::settlement_repeated && random_.chance(0.3)) of.on_its_way = left;
        return;
    }
    of.on_its_way = std::exchange(of.lease, std::nullopt);
    if (random_.chance(0.6)) give_back(of);
}

void lease_game::take(std::int64_t cost)
{
    (void)run({.cost = cost});
}

void lease_game::take_and_undo(hand& of)
{
    if (of.on_its_way) return;
    const auto cost = random_.between(1, by_.burst);
    const auto made = run({.cost = cost, .crowd = cost});
    if (!made.granted) return;
    made_.admitted.pop_back();
    of.on_its_way =
        settlement{.before = made.before, .after = made.after, .granted = cost, .unspent = cost, .version = 1};
}

void lease_game::take_all()
{
    for (auto& of : hands_)
        if (random_.chance(0.7) && of.lease && now_us_ <= of.until_us && of.lease->unspent > 0)
            made_.admitted.push_back({now_us_, std::exchange(of.lease->unspent, 0)});
    for (std::int64_t cost = by_.burst; cost > 0; cost /= 2) take(cost);
}

}  // namespace shoal::test
