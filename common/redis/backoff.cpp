#include "common/redis/backoff.hpp"

#include <algorithm>

namespace shoal::redis {

backoff::backoff(std::chrono::milliseconds least, std::chrono::milliseconds most, std::uint64_t seed)
    : least_{least}, most_{std::max(least, most)}, ceiling_{least}, random_{seed}
{
}

std::chrono::microseconds backoff::next()
{
    const auto floor = least_ / 10;
    std::uniform_int_distribution<std::int64_t> pause{floor.count(), ceiling_.count()};
    ceiling_ = std::min(ceiling_ * 2, most_);
    return std::chrono::microseconds{pause(random_)};
}

}  // namespace shoal::redis
