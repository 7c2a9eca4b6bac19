#pragma once
// A site that is served: its configuration, its origin, and what is counted of it.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/metrics.hpp"
#include "common/worker/service.hpp"
#include "services/cache/origin/origin.hpp"
#include "services/cache/site/settings.hpp"

namespace shoal::cache {

/// How a request was answered, for people who look at hit ratios.
enum class answered : std::uint8_t { l1, l2, collapsed, miss, revalidated, stale, bypass, error };

/// What became of a request that named a write.
enum class write_read : std::uint8_t { at_once, waited, origin };

class site_instruments {
public:
    site_instruments(metrics::registry& into, const std::string& site);

    void count(answered how) noexcept { requests_[static_cast<std::size_t>(how)]->add(); }
    void count(write_read how) noexcept { write_reads_[static_cast<std::size_t>(how)]->add(); }
    /// From sending a request to the end of the answer's head.
    void fetched(std::chrono::nanoseconds took)
    {
        fetch_seconds_->observe(std::chrono::duration<double>{took}.count());
    }

private:
    std::array<metrics::counter*, 8> requests_{};
    std::array<metrics::counter*, 3> write_reads_{};
    metrics::histogram* fetch_seconds_;
};

/// Held by every request of the site, so that a reload does not take it away from under them.
class live_site {
public:
    /// `of` belongs to `list`; `fetches_from` may be shared with the site's life before a reload.
    live_site(std::shared_ptr<const settings> list, const site& of, std::shared_ptr<origin::origin> fetches_from,
              metrics::registry& into);

    [[nodiscard]] const site& of() const noexcept { return of_; }
    [[nodiscard]] origin::origin& servers() const noexcept { return *servers_; }
    [[nodiscard]] const std::shared_ptr<origin::origin>& shared_servers() const noexcept { return servers_; }
    /// Names of fields that clients don't see.
    [[nodiscard]] const std::vector<std::string>& hidden() const noexcept { return hidden_; }
    [[nodiscard]] site_instruments& instruments() const noexcept { return instruments_; }

private:
    std::shared_ptr<const settings> list_;
    const site& of_;
    std::shared_ptr<origin::origin> servers_;
    std::vector<std::string> hidden_;
    mutable site_instruments instruments_;
};

using live_site_ptr = std::shared_ptr<const live_site>;

/// The sites in force.
class live_sites {
public:
    /// Sites whose origins are as they were in `before` (which may be null) keep their connections.
    live_sites(std::shared_ptr<const settings> from, const live_sites* before, const worker::context& on);

    [[nodiscard]] const settings& of() const noexcept { return *from_; }
    /// Null when no site has that host (without port).
    [[nodiscard]] live_site_ptr of_host(std::string_view name) const noexcept
    {
        return live(from_->sites.of_host(name));
    }
    [[nodiscard]] live_site_ptr live(const site* of) const noexcept;

private:
    std::shared_ptr<const settings> from_;
    /// In the order of the list.
    std::vector<live_site_ptr> all_;
};

}  // namespace shoal::cache
