#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/load/domain/report.hpp"

namespace shoal::load {
namespace {

using json = nlohmann::ordered_json;

/// Microseconds are what the clock is good for.
double rounded(double value, double parts)
{
    return std::round(value * parts) / parts;
}

double ms(std::chrono::nanoseconds time)
{
    return rounded(static_cast<double>(time.count()) / 1e6, 1000);
}

double seconds(std::chrono::nanoseconds time)
{
    return rounded(static_cast<double>(time.count()) / 1e9, 1e6);
}

double per_second(std::uint64_t count, std::chrono::nanoseconds time)
{
    return time.count() == 0 ? 0 : rounded(static_cast<double>(count) * 1e9 / static_cast<double>(time.count()), 1000);
}

json latency(const histogram& of)
{
    return {{"p50", ms(of.quantile(0.5))},    {"p90", ms(of.quantile(0.9))}, {"p99", ms(of.quantile(0.99))},
            {"p999", ms(of.quantile(0.999))}, {"max", ms(of.largest())},     {"mean", ms(of.mean())}};
}

json fates_of(const fate_counts& counts, bool all)
{
    json named = json::object();
    for (std::size_t i = 0; i < fates; ++i)
        if (all || counts[i] != 0) named[std::string{name(static_cast<fate>(i))}] = counts[i];
    return named;
}

json statuses(const tally& of)
{
    json named = json::object();
    for (const auto& [status, group] : of.by_status())
        named[status == 0 ? "others" : std::to_string(status)] = {{"requests", group.requests()},
                                                                  {"latency_ms", latency(group.latency)}};
    return named;
}

json steps(const report& of)
{
    json list = json::array();
    const auto& steps = of.tally.steps();
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& step = steps[i];
        json one{{"start_s", seconds(step.start)},
                 {"length_s", seconds(step.wanted.length)},
                 {"requests", step.requests()},
                 {"answered", step.answers()},
                 {"errors", step.errors()},
                 {"rate", rounded(step.reached(), 1000)},
                 {"latency_ms", latency(step.latency)}};
        one["rate_wanted"] = of.asked.how == mode::closed ? json{} : json(step.wanted.rate.per_second());
        if (of.knee && i < of.knee->met.size()) one["met"] = static_cast<bool>(of.knee->met[i]);
        list.push_back(std::move(one));
    }
    return list;
}

json timeline(const tally& of)
{
    json points = json::array();
    for (std::size_t i = 0; i < of.timeline().size(); ++i) {
        const auto* const one = of.timeline()[i].get();
        json point{{"at_s", seconds(of.width() * static_cast<std::int64_t>(i))},
                   {"due", one != nullptr ? one->requests() : 0},
                   {"sent", one != nullptr ? one->sent_here : 0},
                   {"answered", one != nullptr ? one->answered_here : 0}};
        if (one != nullptr && one->errors() != 0) {
            point["errors"] = fates_of(one->by_fate, false);
            point["errors"].erase("ok");
        }
        if (one != nullptr && one->latency.count() != 0) point["latency_ms"] = latency(one->latency);
        points.push_back(std::move(point));
    }
    return {{"interval_s", seconds(of.width())}, {"points", std::move(points)}};
}

json distribution(const histogram& of)
{
    constexpr std::array quantiles{0.0, 0.05,  0.1,  0.2,  0.3,  0.4,  0.5,   0.6,   0.7,   0.75,   0.8,    0.85,
                                   0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999};
    json list = json::array();
    for (const double q : quantiles)
        if ((1 - q) * static_cast<double>(of.count()) >= 1) list.push_back({q, ms(of.quantile(q))});
    if (of.count() != 0) list.push_back({1.0, ms(of.largest())});
    return list;
}

/// Twelve bars for each power of ten: enough for the eye.
json bars(const histogram& of)
{
    std::map<int, std::uint64_t> counts;
    constexpr double per_decade = 12;
    of.visit([&](auto from, auto to, auto count) {
        const double middle = static_cast<double>((from + to).count()) / 2;
        counts[static_cast<int>(std::floor(std::log10(std::max(1.0, middle)) * per_decade))] += count;
    });
    json list = json::array();
    for (const auto& [bar, count] : counts)
        list.push_back({rounded(std::pow(10, bar / per_decade) / 1e6, 1e6),
                        rounded(std::pow(10, (bar + 1) / per_decade) / 1e6, 1e6), count});
    return list;
}

json workers(const report& of)
{
    json named = json::object();
    const auto keys = of.checks.keys_by_worker();
    const auto& requests = of.tally.requests_by_worker();
    for (std::size_t i = 1; i < requests.size(); ++i)
        named[of.tally.workers()[i]] = {{"requests", requests[i]}, {"keys", i < keys.size() ? keys[i] : 0}};
    return named;
}

json processes(const report& of)
{
    json list = json::array();
    const auto answers = static_cast<double>(of.tally.all().answers());
    for (const auto& one : of.processes) {
        json samples = json::array();
        for (const auto used : one.samples) samples.push_back(seconds(used));
        const auto us = static_cast<double>(one.used.count()) / 1000;
        list.push_back({{"name", one.process.name},
                        {"pid", one.process.pid},
                        {"seconds", seconds(one.used)},
                        {"us_per_request", answers == 0 ? json{} : json(rounded(us / answers, 1000))},
                        {"ended", one.ended},
                        {"used_s", std::move(samples)}});
    }
    return list;
}

json knee(const report& of)
{
    if (!of.knee) return {};
    return {{"rate", of.knee->found ? json(of.knee->found->per_second()) : json{}},
            {"slo", describe(of.asked.slo)},
            {"reached_most", of.knee->reached_most}};
}

json generator(const report& of)
{
    const auto& late = of.tally.lateness();
    const auto requests = static_cast<double>(std::max<std::uint64_t>(1, of.tally.all().requests()));
    return {
        {"late_ms", {{"p50", ms(late.quantile(0.5))}, {"p99", ms(late.quantile(0.99))}, {"max", ms(late.largest())}}},
        {"was_late", generator_was_late(of)},
        {"cpu_s", seconds(of.own_cpu)},
        {"cpu_us_per_request", rounded(static_cast<double>(of.own_cpu.count()) / 1000 / requests, 1000)},
        {"connections_opened", of.connections_opened},
        {"connections_most", of.connections_most},
        {"retried", of.tally.retried()},
        {"bytes_received", of.tally.received()}};
}

json asked(const options& of)
{
    json methods = json::object();
    for (const auto& method : of.request.methods) methods[method.name] = method.share;
    return {{"mode", of.how == mode::open     ? "open"
                     : of.how == mode::closed ? "closed"
                                              : "find-max"},
            {"methods", methods},
            {"connections", of.connections},
            {"keep_alive", of.request.keep_alive},
            {"timeout_s", seconds(of.timeout)},
            {"retry", of.retry},
            {"seed", of.seed}};
}

/// What was wanted over the whole run; a closed loop and a search want none.
json wanted_rate(const report& of)
{
    if (of.asked.how != mode::open) return {};
    std::uint64_t total = 0;
    for (const auto& step : of.asked.steps) total += arrivals(step);
    return per_second(total, of.asked.expected_length());
}

}  // namespace

std::string to_json(const report& of)
{
    const auto& all = of.tally.all();
    json document{{"format", 1},
                  {"version", SHOAL_VERSION},
                  {"url", "http://" + of.asked.target.authority + of.asked.target.target},
                  {"target", of.target},
                  {"started", rounded(of.started, 1000)},
                  {"asked", asked(of.asked)},
                  {"interrupted", of.interrupted},
                  {"seconds", seconds(of.took)},
                  {"requests", all.requests()},
                  {"errors", all.errors()},
                  {"answered", all.answers()},
                  {"rate", per_second(all.answers(), of.took)},
                  {"rate_wanted", wanted_rate(of)},
                  {"latency_ms", latency(all.latency)},
                  {"relative_error", all.latency.relative_error()},
                  {"fates", fates_of(all.by_fate, true)},
                  {"details", of.tally.details()},
                  {"statuses", statuses(of.tally)},
                  {"knee", knee(of)},
                  {"steps", steps(of)},
                  {"keys", {{"different", of.keys}, {"skipped_lines", of.skipped_lines}}},
                  {"workers", workers(of)},
                  {"owner_changes", of.checks.owner_changes()},
                  {"processes", processes(of)},
                  {"generator", generator(of)},
                  {"distribution", distribution(all.latency)},
                  {"histogram", bars(all.latency)},
                  {"timeline", timeline(of.tally)}};
    return document.dump(1, '\t', true, json::error_handler_t::replace) + "\n";
}

}  // namespace shoal::load
