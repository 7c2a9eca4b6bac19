#include "services/cache/handlers/engine.hpp"

#include <charconv>
#include <random>
#include <utility>

#include "common/metrics/metrics.hpp"

namespace shoal::cache {
namespace {

/// URLs that are remembered as not cacheable.
constexpr std::size_t most_uncacheable = 10'000;
/// URLs of which the reason why they were not stored is known.
constexpr std::size_t most_reasons = 4'096;

/// The first 64 bits of 32 hexadecimal digits.
std::uint64_t first_half(std::string_view incarnation)
{
    std::uint64_t number = 0;
    std::from_chars(incarnation.data(), incarnation.data() + std::min<std::size_t>(16, incarnation.size()), number, 16);
    return number;
}

std::uint64_t drawn()
{
    std::random_device from;
    return (std::uint64_t{from()} << 32U) ^ from();
}

}  // namespace

engine::engine(const worker::context& from, std::shared_ptr<const settings> first)
    : on{from},
      log{from},
      l1{first->memory, drawn()},
      not_cached{most_uncacheable, drawn()},
      not_stored{most_reasons, drawn()},
      l2{from.loop, from.tasks, from.l2, {.largest = first->l2_object}},
      sites{std::make_shared<const live_sites>(std::move(first), nullptr, from)},
      process{first_half(from.incarnation)}
{
    auto& metrics = from.metrics;
    metrics.add_gauge("shoal_cache_bytes", "What is kept in memory, with all it takes.", {},
                      [this] { return static_cast<double>(l1.bytes()); });
    metrics.add_gauge("shoal_cache_objects", "Responses kept in memory.", {},
                      [this] { return static_cast<double>(l1.total().objects); });
    auto& evictions = metrics.add_counter("shoal_cache_evictions_total", "Responses that made room for others.");
    l1.on_eviction([&evictions] { evictions.add(); });
}

}  // namespace shoal::cache
