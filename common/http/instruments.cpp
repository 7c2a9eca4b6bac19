#include "common/http/instruments.hpp"

#include <algorithm>
#include <utility>

namespace shoal::http {

instruments::instruments(metrics::registry& registry, std::string server, std::span<const std::string_view> routes)
    : registry_{registry},
      server_{std::move(server)},
      connections_{registry.add_gauge("shoal_http_connections", "Open connections.", {{"server", server_}})},
      connections_total_{
          registry.add_counter("shoal_http_connections_total", "Connections accepted.", {{"server", server_}})},
      in_flight_{
          registry.add_gauge("shoal_http_in_flight", "Requests that are not answered yet.", {{"server", server_}})}
{
    const auto add = [this](std::string_view name) {
        auto& seconds = registry_.add_histogram(
            "shoal_http_request_seconds", "From a request's last byte to its answer being ready.",
            metrics::latency_bounds(), {{"server", server_}, {"route", std::string{name}}});
        routes_.push_back({std::string{name}, &seconds, {}});
    };
    routes_.reserve(routes.size() + 1);
    add("none");
    for (const auto name : routes) add(name);
}

void instruments::answered(std::size_t route, unsigned status, double seconds)
{
    auto& of = routes_[route];
    requests(of, status).add();
    of.seconds->observe(seconds);
}

metrics::counter& instruments::requests(per_route& of, unsigned status)
{
    auto& slot = of.by_status[std::clamp(status, first_status, first_status + 499) - first_status];
    if (slot == nullptr)
        slot = &registry_.add_counter("shoal_http_requests_total", "Requests answered.",
                                      {{"server", server_}, {"route", of.name}, {"code", std::to_string(status)}});
    return *slot;
}

void instruments::rejected(std::string_view reason)
{
    registry_
        .add_counter("shoal_http_rejected_total", "Requests and connections refused before a handler saw them.",
                     {{"server", server_}, {"reason", std::string{reason}}})
        .add();
}

void instruments::truncated()
{
    registry_
        .add_counter("shoal_http_truncated_total", "Answers that were begun and cut off before their end.",
                     {{"server", server_}})
        .add();
}

void instruments::concurrency(std::size_t limit)
{
    if (concurrency_ == nullptr)
        concurrency_ = &registry_.add_gauge("shoal_http_concurrency_limit",
                                            "How many requests may wait for what the worker asks of others.",
                                            {{"server", server_}});
    concurrency_->set(static_cast<double>(limit));
}

void instruments::opened() noexcept
{
    connections_.add(1);
    connections_total_.add();
}

}  // namespace shoal::http
