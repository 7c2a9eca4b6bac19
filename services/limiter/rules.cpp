#include "services/limiter/rules.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "common/config/reader.hpp"
#include "common/core/ascii.hpp"

namespace shoal::limiter {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr std::size_t most_rules = 1000;
constexpr std::int64_t most_cells = 10'000'000;
/// Each slot is remembered by itself.
constexpr std::int64_t most_slots = 100'000;
constexpr std::size_t most_key_headers = 4;
constexpr std::size_t most_header_name = 128;
constexpr microseconds least_period = 1ms;
constexpr microseconds most_period = std::chrono::hours{24 * 366};
constexpr config::duration_range ttls{100ms, 24h};

bool is_name(std::string_view text)
{
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fits);
}

bool is_header_name(std::string_view text)
{
    return !text.empty() && text.size() <= most_header_name && std::all_of(text.begin(), text.end(), is_token);
}

constexpr microseconds nominal(span length)
{
    switch (length) {
    case span::second: return 1s;
    case span::minute: return 1min;
    case span::hour: return 1h;
    case span::day: return 24h;
    case span::week: return 7 * 24h;
    case span::month: return 30 * 24h;
    }
    return 0s;
}

rule make_gcra(std::string name, std::int64_t limit, microseconds period, std::int64_t burst, std::int64_t version)
{
    return {.name = std::move(name),
            .limit = limit,
            .period_us = period.count(),
            .decide = make_rate(limit, period.count(), burst),
            .max_cost = burst,
            .version = version};
}

/// burst·T in microseconds may not pass 366 days: see the bounds of `rate`.
bool refills_in_time(const rule& of)
{
    const auto time =
        static_cast<double>(of.decide.burst) * static_cast<double>(of.period_us) / static_cast<double>(of.limit);
    return time <= static_cast<double>(most_period.count());
}

/// A field of another algorithm: silence would look like obedience.
void refuse(config::object& from, std::string_view field, std::string_view why)
{
    if (from.raw(field) != nullptr) from.problem(field, std::string{why} + "; leave it out");
}

rule read_gcra(config::object& from, std::int64_t version)
{
    refuse(from, "time_zone", R"(is for "algorithm": "window"; a budget that refills continuously has no midnight)");
    refuse(from, "max_ttl", R"(is for "algorithm": "concurrency"; this one has no slots)");
    const auto limit = from.integer("limit", {1, most_cells});
    const auto period = from.duration("period", {least_period, most_period});
    const auto burst = from.integer("burst", {1, most_cells}, limit);
    rule made = make_gcra({}, limit, period, burst, version);
    made.max_cost = from.integer("max_cost", {1, burst}, burst);
    if (!refills_in_time(made))
        from.problem("burst", "takes longer than 366 days to refill (burst x period / limit); make it smaller");
    return made;
}

rule read_window(config::object& from, std::int64_t version)
{
    refuse(from, "burst", R"(is for "algorithm": "gcra"; a window's whole limit may come at once)");
    refuse(from, "max_ttl", R"(is for "algorithm": "concurrency"; this one has no slots)");
    rule made{.kind = algorithm::window, .limit = from.integer("limit", {1, most_cells}), .version = version};
    const auto length = from.one_of<span>("period", {{"second", span::second},
                                                     {"minute", span::minute},
                                                     {"hour", span::hour},
                                                     {"day", span::day},
                                                     {"week", span::week},
                                                     {"month", span::month}});
    const auto zone = from.text("time_zone", "UTC");
    made.period_us = nominal(length).count();
    made.windows = calendar::make(length, zone);
    if (made.windows == nullptr)
        from.problem("time_zone", "'" + zone +
                                      "' is not a time zone that this machine knows; use a name of the IANA database "
                                      "(package tzdata), for example \"Europe/Stockholm\"");
    made.max_cost = from.integer("max_cost", {1, made.limit}, made.limit);
    return made;
}

rule read_concurrency(config::object& from, std::int64_t version)
{
    refuse(from, "period", R"(is for rates; a slot is held until it is released or its ttl has passed ("max_ttl"))");
    refuse(from, "burst", R"(is for "algorithm": "gcra"; all slots may be acquired at once)");
    refuse(from, "time_zone", R"(is for "algorithm": "window"; a slot's ttl runs from its acquisition)");
    refuse(from, "max_cost", "is for rates; a request acquires one slot");
    rule made{.kind = algorithm::concurrency, .limit = from.integer("limit", {1, most_slots}), .version = version};
    made.max_ttl_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(from.duration("max_ttl", ttls, 10min)).count();
    return made;
}

rule read_by_algorithm(config::object& from, std::int64_t version)
{
    const auto kind = from.one_of<algorithm>(
        "algorithm",
        {{"gcra", algorithm::gcra}, {"window", algorithm::window}, {"concurrency", algorithm::concurrency}},
        algorithm::gcra);
    switch (kind) {
    case algorithm::window: return read_window(from, version);
    case algorithm::concurrency: return read_concurrency(from, version);
    case algorithm::gcra: break;
    }
    return read_gcra(from, version);
}

std::vector<std::string> read_key_headers(config::object& from)
{
    const char* const field = "key_headers";
    const auto* const listed = from.raw(field);
    if (listed == nullptr) return {};
    std::vector<std::string> names;
    const auto known = [&names](const std::string& name) {
        return std::ranges::any_of(names, [&name](const auto& other) { return iequals(name, other); });
    };
    const bool fits = listed->is_array() && !listed->empty() && listed->size() <= most_key_headers;
    for (std::size_t i = 0; fits && i < listed->size(); ++i) {
        const auto& one = (*listed)[i];
        if (!one.is_string() || !is_header_name(one.get_ref<const std::string&>()) || known(one)) break;
        names.push_back(one);
    }
    if (!fits || names.size() != listed->size())
        from.problem(field, "must be an array of 1 to 4 different header names, for example [\"X-Api-Key\"]");
    return names;
}

rule read_rule(config::object& from, std::int64_t version)
{
    auto name = from.text("name");
    if (!name.empty() && !is_name(name))
        from.problem("name", "is not a rule's name; use 1 to 64 of a-z, 0-9, '-' and '_'");
    rule made = read_by_algorithm(from, version);
    made.name = std::move(name);
    made.outage = from.one_of<without_redis>(
        "without_redis",
        {{"deny", without_redis::deny}, {"allow", without_redis::allow}, {"local", without_redis::local}},
        without_redis::deny);
    made.shadow = from.boolean("shadow", false);
    made.headers = from.one_of<dialect>(
        "headers", {{"ratelimit", dialect::ratelimit}, {"x-ratelimit", dialect::x_ratelimit}, {"none", dialect::none}},
        dialect::ratelimit);
    made.key_headers = read_key_headers(from);
    from.done();
    return made;
}

rules default_rules(std::int64_t version)
{
    return {make_gcra("demo", 10, 60s, 10, version), make_gcra("bulk", 100'000, 1s, 100'000, version)};
}

}  // namespace

rules read_rules(config::object& section, std::int64_t version)
{
    if (!section.has("rules")) {
        section.done();
        return default_rules(version);
    }
    rules made;
    std::set<std::string> names;
    for (auto& one : section.children("rules", most_rules)) {
        rule next = read_rule(one, version);
        if (!next.name.empty() && !names.insert(next.name).second)
            one.problem("name", "'" + next.name + "' stands twice; each rule needs a name of its own");
        made.push_back(std::move(next));
    }
    section.done();
    return made;
}

}  // namespace shoal::limiter
