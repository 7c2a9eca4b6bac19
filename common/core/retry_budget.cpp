#include "common/core/retry_budget.hpp"

#include <algorithm>
#include <chrono>

namespace shoal {

bool retry_budget::spend(boot_time now) noexcept
{
    add(bounds_.per_second * std::chrono::duration<double>(now - at_).count());
    at_ = now;
    if (has_ < 1) return false;
    has_ -= 1;
    return true;
}

void retry_budget::add(double what) noexcept
{
    has_ = std::min(has_ + what, bounds_.most);
}

}  // namespace shoal
