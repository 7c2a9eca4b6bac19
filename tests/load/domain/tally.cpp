#include "tests/load/domain/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace shoal::load {
namespace {

using namespace std::chrono_literals;

constexpr unsigned precise = 8;
constexpr unsigned coarse = 7;
constexpr unsigned rough = 5;
constexpr std::size_t wanted_intervals = 240;
/// What runs longer than was expected is in the last.
constexpr std::size_t most_intervals = 1000;
constexpr std::size_t most_workers = 1000;
constexpr std::size_t most_details = 32;
constexpr std::size_t most_statuses = 64;

constexpr std::array<std::chrono::nanoseconds, 12> widths{250ms, 500ms, 1s,   2s,   5s,   10s,
                                                          15s,   30s,   1min, 2min, 5min, 10min};

}  // namespace

void group::add(const outcome& one) noexcept
{
    ++by_fate[static_cast<std::size_t>(one.how)];
    if (has_latency(one.how)) latency.add(one.latency());
    last = std::max(last, one.done);
}

std::uint64_t group::requests() const noexcept
{
    return std::accumulate(by_fate.begin(), by_fate.end(), std::uint64_t{0});
}

std::uint64_t group::errors() const noexcept
{
    return requests() - by_fate[static_cast<std::size_t>(fate::ok)];
}

std::uint64_t group::answers() const noexcept
{
    return std::accumulate(by_fate.begin(), by_fate.begin() + static_cast<std::ptrdiff_t>(fate::stale) + 1,
                           std::uint64_t{0});
}

step_tally::step_tally(load_step wanted_step, std::chrono::nanoseconds begin)
    : group{coarse}, wanted{wanted_step}, start{begin}, late{rough}
{
}

double step_tally::reached() const noexcept
{
    const auto took = std::max(wanted.length, last - start);
    return took.count() == 0 ? 0 : static_cast<double>(answers()) / std::chrono::duration<double>{took}.count();
}

interval::interval() : group{rough} {}

tally::tally(std::chrono::nanoseconds expected_length)
    : width_{*std::ranges::find_if(widths,
                                   [&](auto width) {
                                       return width == widths.back() ||
                                              expected_length / width < std::ptrdiff_t{wanted_intervals};
                                   })},
      all_{precise},
      late_{coarse}
{
}

void tally::add_step(load_step wanted, std::chrono::nanoseconds start)
{
    steps_.emplace_back(wanted, start);
}

void tally::add_lateness(std::size_t step, std::chrono::nanoseconds late) noexcept
{
    late_.add(late);
    steps_[step].late.add(late);
}

interval& tally::at(std::chrono::nanoseconds when)
{
    const auto index = std::min(most_intervals - 1, static_cast<std::size_t>(std::max(0ns, when) / width_));
    if (index >= timeline_.size()) timeline_.resize(index + 1);
    if (!timeline_[index]) timeline_[index] = std::make_unique<interval>();
    return *timeline_[index];
}

void tally::add(const outcome& one)
{
    all_.add(one);
    steps_[one.step].add(one);
    at(one.intended).add(one);
    if (one.sent >= 0ns) ++at(one.sent).sent_here;
    if (answered(one.how)) {
        ++at(one.done).answered_here;
        const bool has_room = by_status_.size() < most_statuses || by_status_.contains(one.status);
        by_status_.try_emplace(has_room ? one.status : 0, coarse).first->second.add(one);
        ++by_worker_[one.worker];
    }
    if (!one.detail.empty()) add_detail(one);
}

void tally::add_detail(const outcome& one)
{
    std::string said = fmt::format("{}: {}", name(one.how), one.detail);
    if (details_.size() >= most_details && !details_.contains(said)) said = "others";
    ++details_[std::move(said)];
}

std::uint16_t tally::worker_index(std::string_view name)
{
    if (name.empty()) return 0;
    std::string key{name};
    if (const auto known = worker_index_.find(key); known != worker_index_.end()) return known->second;
    if (workers_.size() > most_workers) return static_cast<std::uint16_t>(most_workers);
    if (workers_.size() == most_workers) key = "others";
    workers_.push_back(key);
    by_worker_.push_back(0);
    const auto index = static_cast<std::uint16_t>(workers_.size() - 1);
    worker_index_.emplace(std::move(key), index);
    return index;
}

}  // namespace shoal::load
