#include "tests/load/domain/options.hpp"

namespace shoal::load {

std::chrono::nanoseconds options::expected_length() const noexcept
{
    // A search takes some twenty trials.
    if (how == mode::find_max) return 20 * trial;
    if (how == mode::closed) return duration;
    std::chrono::nanoseconds sum{};
    for (const load_step& step : steps) sum += step.length;
    return sum;
}

}  // namespace shoal::load
