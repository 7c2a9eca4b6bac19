#include "tests/unit/relay_progress/model_database.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace shoal::test {

model_database::model_database(fast_dice& random, bool asynchronous)
    : random_{random}, asynchronous_{asynchronous}, lags_{random.chance(0.5)}
{
}

bool model_database::exists(std::size_t row, int version) noexcept
{
    return version > 0 && (static_cast<std::size_t>(version) * 7 + row) % 4 != 0;
}

void model_database::step(std::uint64_t now)
{
    switch (random_.below(6)) {
    case 0: return begin();
    case 1: return end_one(random_.chance(0.85));
    case 2: flushed_ = written_; return;
    case 3:
        if (!lags_ || random_.chance(0.2)) replay();
        return;
    default: show_one(now);
    }
}

void model_database::finish(std::uint64_t now)
{
    while (!all(state::running).empty()) end_one(true);
    while (!all(state::committed).empty()) show_one(now);
    flushed_ = written_;
}

/// Rows stay locked until who changed them can be seen.
void model_database::begin()
{
    auto made = now_;
    for (const auto& each : transactions_)
        if (each.is == state::running || each.is == state::committed)
            for (std::size_t row = 0; row < rows; ++row)
                if (each.makes[row] != 0) made[row] = -1;
    transaction one{.xid = next_xid_++, .asynchronous = asynchronous_ && random_.chance(0.3)};
    for (std::size_t row = 0; row < rows; ++row)
        if (made[row] >= 0 && random_.chance(0.5)) one.makes[row] = made[row] + 1;
    transactions_.push_back(one);
}

std::vector<std::size_t> model_database::all(state which) const
{
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < transactions_.size(); ++i)
        if (transactions_[i].is == which) found.push_back(i);
    return found;
}

void model_database::end_one(bool commits)
{
    const auto running = all(state::running);
    if (running.empty()) return;
    const auto which = running[random_.below(running.size())];
    auto& one = transactions_[which];
    one.is = commits ? state::committed : state::rolled_back;
    written_ += static_cast<lsn>(random_.between(1, 3));
    if (!commits) return;
    one.end = written_;
    log_.push_back(which);
    if (!one.asynchronous) flushed_ = written_;
}

void model_database::show_one(std::uint64_t now)
{
    const auto waiting = all(state::committed);
    if (waiting.empty()) return;
    auto& one = transactions_[waiting[random_.below(waiting.size())]];
    one.is = state::visible;
    one.visible_at = now;
    for (std::size_t row = 0; row < rows; ++row) now_[row] = std::max(now_[row], one.makes[row]);
}

void model_database::replay()
{
    for (const auto which : log_)
        if (const auto end = transactions_[which].end; end > replayed_ && end <= flushed_) {
            replayed_ = end;
            return;
        }
    replayed_ = flushed_;
}

model_database::versions model_database::replica() const
{
    versions found{};
    for (const auto which : log_)
        if (transactions_[which].end <= replayed_)
            for (std::size_t row = 0; row < rows; ++row)
                found[row] = std::max(found[row], transactions_[which].makes[row]);
    return found;
}

model_database::sight model_database::look() const
{
    auto least = next_xid_;
    std::string running;
    for (const auto& each : transactions_) {
        if (each.is != state::running && each.is != state::committed) continue;
        least = std::min(least, each.xid);
        running += (running.empty() ? "" : ",") + std::to_string(each.xid);
    }
    const auto text = std::to_string(least) + ":" + std::to_string(next_xid_) + ":" + running;
    return {relay::snapshot::parse(text).value(), now_, flushed_, written_};
}

}  // namespace shoal::test
