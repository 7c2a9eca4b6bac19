#include "services/limiter/store_clock.hpp"

#include <algorithm>

namespace shoal::limiter {

std::int64_t microseconds(boot_time at) noexcept
{
    return std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
}

void server_clock::heard(std::int64_t server_us) noexcept
{
    offset_us_ = server_us - microseconds(boot_clock::now());
    known_ = true;
}

std::int64_t server_clock::at(boot_time at) const noexcept
{
    if (known_) return offset_us_ + microseconds(at);
    const auto wall = std::chrono::duration_cast<std::chrono::microseconds>(wall_clock::now().time_since_epoch());
    return wall.count() + microseconds(at) - microseconds(boot_clock::now());
}

std::int64_t server_clock::not_after(boot_time deadline) const noexcept
{
    if (!known_) return std::int64_t{1} << 53;
    return offset_us_ + microseconds(std::min(deadline, boot_clock::now() + timeout_));
}

}  // namespace shoal::limiter
