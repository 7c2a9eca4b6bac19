#include "common/worker/admin.hpp"

#include "common/metrics/metrics.hpp"

namespace shoal::worker {
namespace {

constexpr const char* json_type = "application/json";

http::response readiness(phase current)
{
    switch (current) {
    case phase::serving: return http::response{200}.body(json_type, "{\"ready\":true}\n");
    case phase::draining: return http::problem(404, "the worker drains and takes no new work");
    case phase::starting: break;
    }
    return http::problem(503, "the worker has not started yet: it waits for Redis").add("Retry-After", "1");
}

}  // namespace

std::vector<http::route> admin_routes(const view& shown)
{
    using http::request;
    const auto get = http::verb::get;
    return {
        {get, "/-/live", "live", [](request&) { return http::response{200}.body(json_type, "{\"live\":true}\n"); }},
        {get, "/-/ready", "ready", [shown](request&) { return readiness(shown.current()); }},
        {get, "/-/metrics", "metrics",
         [shown](request&) {
             return http::response{200}.body("text/plain; version=0.0.4; charset=utf-8", shown.metrics->render());
         }},
        {get, "/-/config", "config",
         [shown](request&) { return http::response{200}.body(json_type, shown.config().dump(2) + '\n'); }},
    };
}

}  // namespace shoal::worker
