#include "services/cache/handlers/live_site.hpp"

#include <utility>

namespace shoal::cache {
namespace {

constexpr std::array<const char*, 8> answered_names{"l1",          "l2",    "collapsed", "miss",
                                                    "revalidated", "stale", "bypass",    "error"};

constexpr std::array<const char*, 3> write_read_names{"at_once", "waited", "origin"};

origin::settings origin_settings(const site& of)
{
    origin::settings made{.site = of.name, .servers = of.origin.servers, .bounds = {}, .check = std::nullopt};
    made.bounds.connect = of.origin.connect;
    made.bounds.first_byte = of.origin.first_byte;
    made.bounds.between_bytes = of.origin.between_bytes;
    made.bounds.idle = of.origin.idle;
    made.bounds.connections = of.origin.connections;
    if (of.origin.check)
        made.check = origin::active_check{of.origin.check->path, of.origin.check->host, of.origin.check->interval,
                                          of.origin.check->timeout};
    return made;
}

std::shared_ptr<origin::origin> start_origin(const site& of, const worker::context& on)
{
    auto made = std::make_shared<origin::origin>(on.loop, origin_settings(of), on.tasks, on.log, on.metrics);
    made->start();
    return made;
}

}  // namespace

site_instruments::site_instruments(metrics::registry& into, const std::string& site)
{
    for (std::size_t i = 0; i < answered_names.size(); ++i)
        requests_[i] = &into.add_counter("shoal_cache_requests_total", "Requests by how they were answered.",
                                         {{"site", site}, {"result", answered_names[i]}});
    for (std::size_t i = 0; i < write_read_names.size(); ++i)
        write_reads_[i] = &into.add_counter("shoal_cache_reads_after_write_total",
                                            "Requests that named a write of their client's: purged already, waited "
                                            "for, or answered by what the origin was asked for since, as it was "
                                            "not purged in time.",
                                            {{"site", site}, {"result", write_read_names[i]}});
    fetch_seconds_ = &into.add_histogram("shoal_cache_fetch_seconds",
                                         "From sending a request to the origin to the end of its answer's head.",
                                         metrics::latency_bounds(), {{"site", site}});
}

live_site::live_site(std::shared_ptr<const settings> list, const site& of, std::shared_ptr<origin::origin> fetches_from,
                     metrics::registry& into)
    : list_{std::move(list)}, of_{of}, servers_{std::move(fetches_from)}, instruments_{into, of.name}
{
    if (of.tags_hidden) hidden_ = {"cache-groups", "cache-tag", "surrogate-key", "xkey"};
}

live_sites::live_sites(std::shared_ptr<const settings> from, const live_sites* before, const worker::context& on)
    : from_{std::move(from)}
{
    for (const auto& one : from_->sites.all()) {
        std::shared_ptr<origin::origin> servers;
        const auto old = before == nullptr ? nullptr : before->live(before->of().sites.named(one.name));
        if (old && old->of().origin == one.origin) servers = old->shared_servers();
        if (!servers) servers = start_origin(one, on);
        all_.push_back(std::make_shared<const live_site>(from_, one, std::move(servers), on.metrics));
    }
}

live_site_ptr live_sites::live(const site* of) const noexcept
{
    if (of == nullptr) return nullptr;
    return all_[static_cast<std::size_t>(of - from_->sites.all().data())];
}

}  // namespace shoal::cache
