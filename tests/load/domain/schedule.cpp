#include "tests/load/domain/schedule.hpp"

#include <utility>

namespace shoal::load {
namespace {

constexpr std::uint64_t nano = 1'000'000'000;

}  // namespace

std::chrono::nanoseconds offset(std::uint64_t i, arrival_rate rate) noexcept
{
    // Whole seconds and the rest apart: i * 10^12 would not fit.
    const std::uint64_t scaled = i * 1000;
    const std::uint64_t seconds = scaled / rate.milli;
    const std::uint64_t rest = scaled % rate.milli;
    return std::chrono::nanoseconds{static_cast<std::int64_t>(seconds * nano + rest * nano / rate.milli)};
}

std::uint64_t arrivals(const load_step& step) noexcept
{
    // The least n with n/rate >= length, found from an estimate that may be off by the rounding of a double.
    const double seconds = std::chrono::duration<double>{step.length}.count();
    auto count = static_cast<std::uint64_t>(seconds * step.rate.per_second());
    while (count > 0 && offset(count - 1, step.rate) >= step.length) --count;
    while (offset(count, step.rate) < step.length) ++count;
    return count;
}

schedule::schedule(std::vector<load_step> steps, std::chrono::nanoseconds start, std::size_t first_step)
    : steps_{std::move(steps)},
      start_{start},
      step_start_{start},
      first_step_{first_step},
      of_step_{steps_.empty() ? 0 : arrivals(steps_.front())}
{
}

std::optional<due> schedule::peek() const noexcept
{
    if (step_ == steps_.size()) return std::nullopt;
    return due{first_step_ + step_, step_start_ + offset(in_step_, steps_[step_].rate)};
}

void schedule::advance() noexcept
{
    if (step_ == steps_.size() || ++in_step_ < of_step_) return;
    step_start_ += steps_[step_].length;
    in_step_ = 0;
    if (++step_ < steps_.size()) of_step_ = arrivals(steps_[step_]);
}

std::chrono::nanoseconds schedule::end() const noexcept
{
    auto end = start_;
    for (const load_step& step : steps_) end += step.length;
    return end;
}

std::uint64_t schedule::total() const noexcept
{
    std::uint64_t sum = 0;
    for (const load_step& step : steps_) sum += arrivals(step);
    return sum;
}

}  // namespace shoal::load
