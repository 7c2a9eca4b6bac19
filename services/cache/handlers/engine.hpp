#pragma once
// What all requests of one worker share.

#include <cstdint>
#include <memory>
#include <string>

#include "common/purge_log/purge_log.hpp"
#include "common/worker/service.hpp"
#include "services/cache/handlers/flights.hpp"
#include "services/cache/handlers/live_site.hpp"
#include "services/cache/memory/last_reasons.hpp"
#include "services/cache/memory/memory.hpp"
#include "services/cache/memory/uncacheable.hpp"
#include "services/cache/store/second_level.hpp"

namespace shoal::cache {

struct engine {
    explicit engine(const worker::context& from, std::shared_ptr<const settings> first);

    [[nodiscard]] site_view view_of(const site& one) const noexcept { return {log, one.relay_within}; }
    [[nodiscard]] fill_id next_fill() noexcept { return {process, ++fills}; }

    worker::context on;
    coherence::purge_log log;
    memory l1;
    uncacheable not_cached;
    last_reasons not_stored;
    second_level l2;
    flights under_way;
    std::shared_ptr<const live_sites> sites;
    std::uint64_t process;
    std::uint64_t fills = 0;
    /// What bodies take that are on their way and to be kept.
    std::uint64_t filling = 0;
};

}  // namespace shoal::cache
