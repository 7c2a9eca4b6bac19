#pragma once
// The metrics of one server. Counters are looked up by name once; a request costs additions.

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/metrics.hpp"

namespace shoal::http {

class instruments {
public:
    /// Index of what matched no route.
    static constexpr std::size_t no_route = 0;

    instruments(metrics::registry& registry, std::string server, std::span<const std::string_view> routes);

    /// `route` is no_route or 1 + the route's place in the table.
    void answered(std::size_t route, unsigned status, double seconds);
    void rejected(std::string_view reason);
    /// An answer that was begun, and whose end could not be sent.
    void truncated();
    void opened() noexcept;
    void closed() noexcept { connections_.add(-1); }
    void in_flight(double change) noexcept { in_flight_.add(change); }
    /// Of a server that has such a limit.
    void concurrency(std::size_t limit);

private:
    static constexpr unsigned first_status = 100;

    struct per_route {
        std::string name;
        metrics::histogram* seconds;
        std::array<metrics::counter*, 500> by_status{};
    };

    [[nodiscard]] metrics::counter& requests(per_route& of, unsigned status);

    metrics::registry& registry_;
    std::string server_;
    std::vector<per_route> routes_;
    metrics::gauge& connections_;
    metrics::counter& connections_total_;
    metrics::gauge& in_flight_;
    metrics::gauge* concurrency_ = nullptr;
};

}  // namespace shoal::http
