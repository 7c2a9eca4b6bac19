#include "services/cache/store/second_level_worth.hpp"

#include <algorithm>

namespace shoal::cache {

std::chrono::milliseconds worth(const stored& what, boot_time now, std::chrono::seconds validation)
{
    constexpr std::chrono::seconds most = std::chrono::hours{30 * 24};
    const auto bounded = [&most](std::int64_t seconds) { return std::clamp<std::int64_t>(seconds, 0, most.count()); };
    const auto& use = what.use();
    std::int64_t after = 0;
    if (!use.must_revalidate) after = bounded(std::max(use.stale_while_revalidate, use.stale_if_error));
    if (!what.etag().empty() || !what.last_modified().empty()) after += bounded(validation.count());
    const auto fresh = use.always_validate ? 0 : bounded(use.fresh_for);
    // What is stale already may still be of use for as long as `after` says, counted from then.
    return std::chrono::seconds{std::min(fresh + after - what.age(now), most.count())};
}

}  // namespace shoal::cache
