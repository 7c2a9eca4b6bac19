#include "services/limiter/rules.hpp"

#include <algorithm>
#include <chrono>

#include "common/config/reader.hpp"

namespace shoal::limiter {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_rules = 1000;
constexpr std::int64_t most_cells = 10'000'000;
constexpr std::chrono::microseconds least_period = 1ms;
constexpr std::chrono::microseconds most_period = std::chrono::hours{24 * 366};

bool is_name(std::string_view text)
{
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fits);
}

std::string_view name_of(without_redis outage)
{
    return outage == without_redis::deny ? "deny" : "allow";
}

enum class algorithm : std::uint8_t { gcra };

rule make_rule(std::string name, std::int64_t limit, std::chrono::microseconds period, std::int64_t burst,
               std::int64_t version)
{
    return {.name = std::move(name),
            .limit = limit,
            .period_us = period.count(),
            .decide = make_rate(limit, period.count(), burst),
            .max_cost = burst,
            .outage = without_redis::deny,
            .version = version};
}

/// burst·T in microseconds may not pass 366 days: see the bounds of `rate`.
bool refills_in_time(const rule& of)
{
    const auto time =
        static_cast<double>(of.decide.burst) * static_cast<double>(of.period_us) / static_cast<double>(of.limit);
    return time <= static_cast<double>(most_period.count());
}

rule read_rule(config::object& from, std::int64_t version)
{
    const auto name = from.text("name");
    if (!name.empty() && !is_name(name))
        from.problem("name", "is not a rule's name; use 1 to 64 of a-z, 0-9, '-' and '_'");
    (void)from.one_of<algorithm>("algorithm", {{"gcra", algorithm::gcra}}, algorithm::gcra);
    const auto limit = from.integer("limit", {1, most_cells});
    const auto period = from.duration("period", {least_period, most_period});
    const auto burst = from.integer("burst", {1, most_cells}, limit);

    rule made = make_rule(name, std::max<std::int64_t>(limit, 1), std::max(period, least_period), burst, version);
    made.max_cost = from.integer("max_cost", {1, burst}, burst);
    made.outage = from.one_of<without_redis>(
        "without_redis", {{"deny", without_redis::deny}, {"allow", without_redis::allow}}, without_redis::deny);
    if (!refills_in_time(made))
        from.problem("burst", "takes longer than 366 days to refill (burst x period / limit); make it smaller");
    from.done();
    return made;
}

rules default_rules(std::int64_t version)
{
    return {make_rule("demo", 10, 60s, 10, version), make_rule("bulk", 100'000, 1s, 100'000, version)};
}

/// As in the configuration: "60s" is shown as "1m".
std::string period_text(std::int64_t period_us)
{
    constexpr std::pair<std::int64_t, const char*> units[] = {
        {86'400'000'000, "d"}, {3'600'000'000, "h"}, {60'000'000, "m"}, {1'000'000, "s"}, {1000, "ms"}};
    for (const auto& [unit_us, name] : units)
        if (period_us % unit_us == 0) return std::to_string(period_us / unit_us) + name;
    return std::to_string(period_us) + "us";
}

}  // namespace

const rule* find_rule(const rules& in, std::string_view name) noexcept
{
    const auto found = std::find_if(in.begin(), in.end(), [name](const rule& one) { return one.name == name; });
    return found == in.end() ? nullptr : &*found;
}

rules read_rules(config::object& section, std::int64_t version)
{
    if (!section.has("rules")) {
        section.done();
        return default_rules(version);
    }
    rules made;
    for (auto& one : section.children("rules", most_rules)) {
        rule next = read_rule(one, version);
        if (!next.name.empty() && find_rule(made, next.name) != nullptr)
            one.problem("name", "'" + next.name + "' stands twice; each rule needs a name of its own");
        made.push_back(std::move(next));
    }
    section.done();
    return made;
}

nlohmann::json to_json(const rule& from)
{
    return {{"name", from.name},
            {"algorithm", "gcra"},
            {"limit", from.limit},
            {"period", period_text(from.period_us)},
            {"burst", from.decide.burst},
            {"max_cost", from.max_cost},
            {"without_redis", name_of(from.outage)}};
}

}  // namespace shoal::limiter
