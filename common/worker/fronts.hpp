#pragma once
// A worker's public servers, which start and drain together: that of the service's own paths, and where it stands
// before sites, that of everything which comes to them.

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "common/http/server.hpp"
#include "common/worker/flags.hpp"
#include "common/worker/place.hpp"
#include "common/worker/service.hpp"
#include "common/worker/settings.hpp"

namespace shoal::worker {

class fronts {
public:
    /// Starts the service. What is lent lives longer. Throws std::runtime_error when there are sockets for sites and
    /// the service has nothing to do with them.
    fronts(const flags& asked, const settings& read, service& what, const context& lent);

    /// Binds the sockets of the command line, unix sockets under the place's own names. Throws.
    void listen(const flags& asked, const place& of);
    void start();

    /// As those of http::server, for both.
    void begin_drain() noexcept;
    void stop_listening();
    void close_idle(std::chrono::milliseconds idle);
    void abort();
    void set_slow(std::chrono::milliseconds threshold) noexcept;
    [[nodiscard]] std::size_t connections() const noexcept;
    [[nodiscard]] std::size_t in_flight() const noexcept;

private:
    std::vector<std::unique_ptr<http::server>> servers_;
};

}  // namespace shoal::worker
