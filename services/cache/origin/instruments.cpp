#include "services/cache/origin/instruments.hpp"

#include <string_view>

namespace shoal::cache::origin {
namespace {

constexpr auto first = static_cast<std::size_t>(errc::origin_unreachable);
constexpr std::array<std::string_view, 5> reasons{"unreachable", "busy", "timeout", "lost", "malformed"};
static_assert(static_cast<std::size_t>(errc::origin_malformed) == first + reasons.size() - 1);

}  // namespace

instruments::instruments(metrics::registry& registry, const std::string& site)
    : connections_{registry.add_gauge("shoal_cache_origin_connections", "Open connections to a site's origin.",
                                      {{"site", site}})},
      repeats_{registry.add_counter("shoal_cache_origin_retries_total",
                                    "Requests to a site's origin that were sent, or tried to be, once more.",
                                    {{"site", site}})},
      repeats_refused_{registry.add_counter("shoal_cache_origin_retries_refused_total",
                                            "Retries that the retry budget of a site's origin did not allow.",
                                            {{"site", site}})}
{
    for (std::size_t i = 0; i < reasons.size(); ++i)
        failures_[i] = &registry.add_counter("shoal_cache_origin_failures_total",
                                             "Requests to a site's origin that got no answer, or not all of it.",
                                             {{"site", site}, {"reason", std::string{reasons[i]}}});
}

void instruments::opened() noexcept
{
    if (abandoned_) return;
    ++open_;
    connections_.add(1);
}

void instruments::closed() noexcept
{
    if (abandoned_) return;
    --open_;
    connections_.add(-1);
}

void instruments::failed(errc why) noexcept
{
    const auto index = static_cast<std::size_t>(why) - first;
    if (!abandoned_ && index < failures_.size()) failures_[index]->add();
}

void instruments::repeated(bool allowed) noexcept
{
    if (!abandoned_) (allowed ? repeats_ : repeats_refused_).add();
}

void instruments::abandon() noexcept
{
    connections_.add(-open_);
    abandoned_ = true;
}

}  // namespace shoal::cache::origin
