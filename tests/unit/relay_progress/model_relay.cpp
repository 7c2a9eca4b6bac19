#include "tests/unit/relay_progress/model_relay.hpp"

#include <algorithm>
#include <utility>

namespace shoal::test {
namespace {

constexpr int steps = 250;
constexpr std::size_t most_running = 6;

/// What progress carries for a transaction: which one it is.
std::string label(std::size_t which)
{
    return {static_cast<char>(which & 0xffU), static_cast<char>(which >> 8U & 0xffU)};
}

std::size_t labelled(const std::string& text)
{
    return static_cast<unsigned char>(text[0]) + (std::size_t{static_cast<unsigned char>(text[1])} << 8U);
}

}  // namespace

void relay_outcome::add(const relay_outcome& other)
{
    stale += other.stale;
    confirmed_early += other.confirmed_early;
    claimed_falsely += other.claimed_falsely;
    stuck += other.stuck;
    transactions += other.transactions;
    seen_out_of_order += other.seen_out_of_order;
    seen_unflushed += other.seen_unflushed;
    crashes += other.crashes;
    failed_writes += other.failed_writes;
    claims += other.claims;
    confirmed += other.confirmed;
    kept += other.kept;
}

relay_life::relay_life(std::uint64_t seed, without left_out)
    : random_{seed},
      left_out_{left_out},
      // Numbers go past 2^32 in half of all lives.
      next_xid_{random_.chance(0.5) ? 0xffff'fffaU : 1000},
      late_{random_.chance(0.5) ? 0.7 : 0.1},
      most_{random_.chance(0.5) ? 5U : 1000U}
{
}

relay_outcome relay_life::run()
{
    for (int i = 0; i < steps; ++i) step();
    settle();
    for (const auto& each : kept_)
        if (last_[each.tag] <= each.since && each.version < version_[each.tag]) ++made_.stale;
    made_.kept = static_cast<int>(kept_.size());
    made_.transactions = static_cast<int>(log_.size());
    return made_;
}

void relay_life::step()
{
    ++now_;
    if (random_.chance(0.15)) return read();
    if (random_.chance(0.4)) return step_of_database();
    if (random_.chance(0.02)) {
        ++made_.crashes;
        return restart();
    }
    step_of_relay();
}

void relay_life::step_of_database()
{
    switch (random_.below(5)) {
    case 0: return begin();
    case 1: return end_one(random_.chance(0.85));
    case 2: flushed_ = written_; return;
    case 3: return confirm();
    default:
        if (!random_.chance(late_)) show_one();
    }
}

void relay_life::step_of_relay()
{
    switch (random_.below(5)) {
    case 0: return receive();
    case 1: return writing_.empty() ? write() : write_ends(!random_.chance(0.1), !random_.chance(0.1));
    case 2: return look_on();
    case 3: return beat_on();
    default: prove();
    }
}

void relay_life::begin()
{
    if (all(transaction::state::running).size() >= most_running) return;
    transaction made{.xid = next_xid_++, .asynchronous = random_.chance(0.3)};
    for (std::size_t tag = 0; tag < tags; ++tag)
        if (random_.chance(0.4)) made.touches.push_back(tag);
    transactions_.push_back(std::move(made));
}

std::vector<std::size_t> relay_life::all(transaction::state which) const
{
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < transactions_.size(); ++i)
        if (transactions_[i].is == which) found.push_back(i);
    return found;
}

void relay_life::end_one(bool commits)
{
    const auto running = all(transaction::state::running);
    if (running.empty()) return;
    const auto which = running[random_.below(running.size())];
    auto& one = transactions_[which];
    one.is = commits ? transaction::state::committed : transaction::state::rolled_back;
    written_ += static_cast<lsn>(random_.between(1, 3));
    if (!commits) return;
    one.end = written_;
    log_.push_back(which);
    if (!one.asynchronous) flushed_ = written_;
}

/// As others see it, and what is made of the database from then on.
void relay_life::show_one()
{
    const auto waiting = all(transaction::state::committed);
    if (waiting.empty()) return;
    auto& one = transactions_[waiting[random_.below(waiting.size())]];
    one.is = transaction::state::visible;
    one.visible_at = now_;
    for (const auto tag : one.touches) ++version_[tag];
    if (one.end > flushed_) ++made_.seen_unflushed;
    for (const auto other : waiting)
        if (transactions_[other].is == transaction::state::committed && transactions_[other].end < one.end) {
            ++made_.seen_out_of_order;
            break;
        }
}

std::string relay_life::snapshot_text() const
{
    std::uint64_t least = next_xid_;
    std::string running;
    lsn last_seen = 0;
    if (left_out_ == without::visibility_of_each)
        for (const auto& each : transactions_)
            if (each.is == transaction::state::visible) last_seen = std::max(last_seen, each.end);
    for (const auto& each : transactions_) {
        const bool runs = each.is == transaction::state::running || each.is == transaction::state::committed;
        if (!runs || (each.end != 0 && each.end < last_seen)) continue;
        least = std::min(least, each.xid);
        running += (running.empty() ? "" : ",") + std::to_string(each.xid);
    }
    return std::to_string(least) + ":" + std::to_string(next_xid_) + ":" + running;
}

/// What the relay has said comes to the database.
void relay_life::confirm()
{
    if (!confirming_) return;
    confirmed_ = std::max(confirmed_, *std::exchange(confirming_, std::nullopt));
    ++made_.confirmed;
    for (const auto which : log_) {
        const auto& one = transactions_[which];
        if (one.end <= confirmed_ && !is_purged(one)) ++made_.confirmed_early;
    }
}

/// It has died: what was on its way to Redis may still come about.
void relay_life::restart()
{
    if (!writing_.empty() && random_.chance(0.5)) purge(writing_);
    progress_ = relay::progress{confirmed_};
    noted_ = confirmed_;
    sent_ = 0;
    while (sent_ < log_.size() && transactions_[log_[sent_]].end <= confirmed_) ++sent_;
    once_.assign(transactions_.size() + log_.size(), false);
    writing_.clear();
    looking_.reset();
    looked_.reset();
    beating_.reset();
    clock_.reset();
    proven_ = false;
    confirming_.reset();
}

/// The next transaction of the stream, or how far there is none.
void relay_life::receive()
{
    if (sent_ == log_.size() || transactions_[log_[sent_]].end > flushed_) return progress_.passed(flushed_);
    if (random_.chance(0.2)) return progress_.passed(sent_ == 0 ? 0 : transactions_[log_[sent_ - 1]].end);
    const auto which = log_[sent_++];
    const auto& one = transactions_[which];
    progress_.received(static_cast<std::uint32_t>(one.xid), one.end,
                       one.touches.empty() ? relay::purge_set{} : relay::purge_set{label(which), {}});
    if (left_out_ == without::second_write) {
        const auto seen = std::to_string(next_xid_) + ":" + std::to_string(next_xid_) + ":";
        progress_.seen(*relay::snapshot::parse(seen));
    }
}

void relay_life::write()
{
    for (const auto* const each : progress_.next(most_).sets) writing_.push_back(labelled(each->hard));
}

void relay_life::write_ends(bool runs, bool answered)
{
    const auto which = std::exchange(writing_, {});
    if (runs) purge(which);
    if (!runs || !answered) ++made_.failed_writes;
    if ((runs && answered) || left_out_ == without::outcome_of_writes) {
        once_.resize(std::max(once_.size(), transactions_.size()));
        for (const auto each : which) once_[each] = true;
        return progress_.written();
    }
    if (random_.chance(0.5)) return progress_.not_written();
    restart();
}

/// A look begins, is taken, and comes back.
void relay_life::look_on()
{
    if (!looking_) {
        looking_ = look{.number = ++looks_};
    } else if (!looking_->seen) {
        looking_->seen = relay::snapshot::parse(snapshot_text());
        looking_->position = left_out_ == without::asynchronous_commits ? flushed_ : written_;
        if (!looking_->seen) ++made_.stuck;
    } else {
        progress_.seen(*looking_->seen);
        looked_ = std::exchange(looking_, std::nullopt);
    }
}

/// A beat is sent, or comes about and is answered. The time that one told is kept until another has claimed it.
void relay_life::beat_on()
{
    if (!beating_) {
        if (clock_ && !proven_ && !random_.chance(0.2)) return;
        beating_ = beat{.claim = proven_ ? clock_ : std::nullopt, .position = position()};
        return;
    }
    const auto claim = beating_->claim;
    if (claim) check_claim(*claim);
    noted_ = beating_->position;
    beating_.reset();
    if (random_.chance(0.05)) return restart();
    if (claim) {
        clock_.reset();
        proven_ = false;
    } else if (!clock_) {
        clock_ = now_;
        looks_at_clock_ = looks_;
    }
    confirming_ = noted_;
}

void relay_life::prove()
{
    if (!clock_ || proven_ || !looked_) return;
    if (looked_->number <= looks_at_clock_ && left_out_ != without::looking_after_the_clock) return;
    proven_ = left_out_ == without::catching_up_before_claims ||
              (progress_.received() >= looked_->position && progress_.caught_up(*looked_->seen));
}

relay_life::lsn relay_life::position() const
{
    if (left_out_ != without::confirming_after_second) return progress_.done();
    lsn found = noted_;
    for (std::size_t i = 0; i < sent_; ++i) {
        const auto which = log_[i];
        const auto& one = transactions_[which];
        if (one.end <= noted_) continue;
        if (!one.touches.empty() && (which >= once_.size() || !once_[which])) break;
        found = one.end;
    }
    return found;
}

void relay_life::purge(const std::vector<std::size_t>& which)
{
    ++sequence_;
    for (const auto each : which)
        for (const auto tag : transactions_[each].touches) {
            last_[tag] = sequence_;
            purged_at_[tag] = now_;
        }
}

bool relay_life::is_purged(const transaction& of) const
{
    return std::all_of(of.touches.begin(), of.touches.end(), [&](std::size_t tag) {
        return of.is == transaction::state::visible && purged_at_[tag] >= of.visible_at;
    });
}

void relay_life::check_claim(std::uint64_t time)
{
    ++made_.claims;
    for (const auto& each : transactions_)
        if (each.is == transaction::state::visible && each.visible_at <= time && !is_purged(each))
            ++made_.claimed_falsely;
}

/// A cache begins to fetch what has a tag, or keeps what it got.
void relay_life::read()
{
    if (fetching_.empty() || random_.chance(0.5)) {
        fetching_.push_back({.tag = random_.below(tags), .since = sequence_, .version = -1});
        return;
    }
    auto& one = fetching_[random_.below(fetching_.size())];
    if (one.version < 0) {
        one.version = version_[one.tag];
        return;
    }
    kept_.push_back(one);
    std::swap(one, fetching_.back());
    fetching_.pop_back();
}

/// Everybody does what there is to be done, and nothing fails.
void relay_life::settle()
{
    while (!all(transaction::state::running).empty()) end_one(true);
    for (++now_; !all(transaction::state::committed).empty(); ++now_) show_one();
    flushed_ = written_;
    for (int i = 0; i < 1000; ++i, ++now_) {
        receive();
        look_on();
        if (writing_.empty())
            write();
        else
            write_ends(true, true);
        if (progress_.done() >= written_ && progress_.open() == 0 && writing_.empty()) return;
    }
    ++made_.stuck;
}

}  // namespace shoal::test
