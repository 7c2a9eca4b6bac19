// A rule as its owner may read it back: what was left out stands there with its default.

#include "services/limiter/rules.hpp"

#include <chrono>

#include "common/config/duration.hpp"

namespace shoal::limiter {
namespace {

std::string duration_text(std::int64_t us)
{
    return config::format_duration(std::chrono::microseconds{us});
}

const char* name_of(without_redis outage)
{
    switch (outage) {
    case without_redis::allow: return "allow";
    case without_redis::local: return "local";
    case without_redis::deny: break;
    }
    return "deny";
}

const char* name_of(dialect headers)
{
    switch (headers) {
    case dialect::x_ratelimit: return "x-ratelimit";
    case dialect::none: return "none";
    case dialect::ratelimit: break;
    }
    return "ratelimit";
}

const char* name_of(span length)
{
    switch (length) {
    case span::second: return "second";
    case span::minute: return "minute";
    case span::hour: return "hour";
    case span::day: return "day";
    case span::week: return "week";
    case span::month: break;
    }
    return "month";
}

void add_algorithm(const rule& from, nlohmann::json& into)
{
    switch (from.kind) {
    case algorithm::gcra:
        into.update({{"algorithm", "gcra"},
                     {"period", duration_text(from.period_us)},
                     {"burst", from.decide.burst},
                     {"max_cost", from.max_cost}});
        break;
    case algorithm::window:
        into.update({{"algorithm", "window"},
                     {"period", name_of(from.windows->length())},
                     {"time_zone", from.windows->zone()},
                     {"max_cost", from.max_cost}});
        break;
    case algorithm::concurrency:
        into.update({{"algorithm", "concurrency"}, {"max_ttl", duration_text(from.max_ttl_ms * 1000)}});
        break;
    }
}

}  // namespace

nlohmann::json to_json(const rule& from)
{
    nlohmann::json shown{{"name", from.name},
                         {"limit", from.limit},
                         {"without_redis", name_of(from.outage)},
                         {"shadow", from.shadow},
                         {"headers", name_of(from.headers)},
                         {"key_headers", from.key_headers}};
    add_algorithm(from, shown);
    return shown;
}

}  // namespace shoal::limiter
