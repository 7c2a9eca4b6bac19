#include "common/worker/fronts.hpp"

#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/worker/parts.hpp"

namespace shoal::worker {
namespace {

using namespace std::chrono_literals;

void listen_on(http::server& front, std::span<const socket_name> sockets, const place& of)
{
    for (const auto& one : sockets)
        if (!one.unix_path.empty())
            front.listen_unix(of.own_name(one.unix_path));
        else
            front.listen_tcp(one.address, one.port);
}

}  // namespace

fronts::fronts(const flags& asked, const settings& read, service& what, const context& lent)
{
    if (read.http.service_time > 0us)
        lent.log.warning("this worker is made slow (http.test.service_time); leave that out where clients are real",
                         {});
    http::server_options options{
        .worker = asked.name, .name = "public", .bounds = http_limits(asked, read), .slow = read.slow};
    servers_.push_back(std::make_unique<http::server>(lent.loop, options, http::router{what.start(lent)}, lent.tasks,
                                                      lent.log, lent.metrics));
    if (asked.listen_site.empty()) return;
    auto handler = what.site_handler();
    if (!handler)
        throw std::runtime_error(std::string{what.name()} + " stands before no sites; leave --listen-site out");
    options.name = "site";
    options.bounds = site_limits(asked, read);
    // What its requests wait for is as different as the sites' origins, which have bounds of their own.
    options.bounds.concurrency.reset();
    servers_.push_back(
        std::make_unique<http::server>(lent.loop, options, std::move(handler), lent.tasks, lent.log, lent.metrics));
}

void fronts::listen(const flags& asked, const place& of)
{
    listen_on(*servers_.front(), asked.listen, of);
    if (servers_.size() > 1) listen_on(*servers_.back(), asked.listen_site, of);
}

void fronts::start()
{
    for (const auto& one : servers_) one->start();
}

void fronts::begin_drain() noexcept
{
    for (const auto& one : servers_) one->begin_drain();
}

void fronts::stop_listening()
{
    for (const auto& one : servers_) one->stop_listening();
}

void fronts::close_idle(std::chrono::milliseconds idle)
{
    for (const auto& one : servers_) one->close_idle(idle);
}

void fronts::abort()
{
    for (const auto& one : servers_) one->abort();
}

void fronts::set_slow(std::chrono::milliseconds threshold) noexcept
{
    for (const auto& one : servers_) one->set_slow(threshold);
}

std::size_t fronts::connections() const noexcept
{
    return std::accumulate(servers_.begin(), servers_.end(), std::size_t{0},
                           [](std::size_t sum, const auto& one) { return sum + one->connections(); });
}

std::size_t fronts::in_flight() const noexcept
{
    return std::accumulate(servers_.begin(), servers_.end(), std::size_t{0},
                           [](std::size_t sum, const auto& one) { return sum + one->in_flight(); });
}

}  // namespace shoal::worker
