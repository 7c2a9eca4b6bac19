#include "services/relay/handlers/retries.hpp"

#include <algorithm>

namespace shoal::relay {
namespace {

constexpr std::chrono::milliseconds longest{5000};

}  // namespace

std::chrono::milliseconds retries::next()
{
    std::uniform_int_distribution<std::int64_t> pause{most_.count() / 2, most_.count()};
    most_ = std::min(2 * most_, longest);
    return std::chrono::milliseconds{pause(random_)};
}

}  // namespace shoal::relay
