#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/config/duration.hpp"
#include "tests/load/domain/report.hpp"

namespace shoal::load {
namespace {

using namespace std::chrono_literals;

double ms(std::chrono::nanoseconds time)
{
    return static_cast<double>(time.count()) / 1e6;
}

template <class... Values>
void line(std::string& into, fmt::format_string<Values...> format, Values&&... values)
{
    fmt::format_to(std::back_inserter(into), format, std::forward<Values>(values)...);
    into += '\n';
}

void add_latency(std::string& into, std::string_view what, const histogram& of)
{
    line(into, "{:<22}{:>10.3f}{:>10.3f}{:>10.3f}{:>10.3f}{:>10.3f}", what, ms(of.quantile(0.5)), ms(of.quantile(0.9)),
         ms(of.quantile(0.99)), ms(of.quantile(0.999)), ms(of.largest()));
}

void add_latencies(std::string& into, const tally& of)
{
    line(into, "\n{:<22}{:>10}{:>10}{:>10}{:>10}{:>10}", "latency, ms", "p50", "p90", "p99", "p99.9", "max");
    add_latency(into, "all", of.all().latency);
    if (of.by_status().size() > 1)
        for (const auto& [status, group] : of.by_status())
            add_latency(into, fmt::format("status {} ({})", status, group.requests()), group.latency);
}

void add_steps(std::string& into, const report& of)
{
    const auto& steps = of.tally.steps();
    if (steps.size() < 2 && !of.knee) return;
    line(into, "\n{:<22}{:>10}{:>10}{:>10}{:>10}{:>10}", "rate wanted, 1/s", "reached", "requests", "errors", "p50, ms",
         "p99, ms");
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& step = steps[i];
        const bool judged = of.knee && i < of.knee->met.size();
        line(into, "{:<22.1f}{:>10.1f}{:>10}{:>10}{:>10.3f}{:>10.3f}{}", step.wanted.rate.per_second(), step.reached(),
             step.requests(), step.errors(), ms(step.latency.quantile(0.5)), ms(step.latency.quantile(0.99)),
             judged ? (of.knee->met[i] ? "  good" : "  too much") : "");
    }
}

void add_errors(std::string& into, const tally& of)
{
    if (of.all().errors() == 0) return;
    line(into, "\n{:<22}{:>10}", "errors", "requests");
    for (std::size_t i = 1; i < fates; ++i)
        if (const auto count = of.all().by_fate[i]; count != 0)
            line(into, "{:<22}{:>10}", name(static_cast<fate>(i)), count);
    for (const auto& [said, count] : of.details()) line(into, "  {} times {}", count, said);
}

void add_workers(std::string& into, const report& of)
{
    const auto& requests = of.tally.requests_by_worker();
    if (requests.size() < 2) return;
    const auto keys = of.checks.keys_by_worker();
    const auto answers = static_cast<double>(std::max<std::uint64_t>(1, of.tally.all().answers()));
    line(into, "\n{:<22}{:>10}{:>10}{:>10}", "worker", "requests", "share", "keys");
    for (std::size_t i = 1; i < requests.size(); ++i)
        line(into, "{:<22}{:>10}{:>9.1f}%{:>10}", of.tally.workers()[i], requests[i],
             100 * static_cast<double>(requests[i]) / answers, i < keys.size() ? keys[i] : 0);
    if (const auto changes = of.checks.owner_changes(); changes != 0)
        line(into, "{} times another worker than before answered for a key", changes);
}

void add_processes(std::string& into, const report& of)
{
    if (of.processes.empty()) return;
    const auto answers = static_cast<double>(std::max<std::uint64_t>(1, of.tally.all().answers()));
    line(into, "\n{:<22}{:>10}{:>14}", "process", "CPU, s", "us/request");
    for (const auto& one : of.processes)
        line(into, "{:<22}{:>10.3f}{:>14.2f}{}", one.process.name, ms(one.used) / 1000,
             static_cast<double>(one.used.count()) / 1000 / answers, one.ended ? "  ended meanwhile" : "");
}

void add_remarks(std::string& into, const report& of)
{
    const auto& late = of.tally.lateness();
    if (generator_was_late(of))
        line(into,
             "\nThe generator came to its requests up to {:.1f} ms late (p99 {:.1f} ms), which their latencies "
             "include:\n"
             "this machine was too busy for it, and the figures are worse than the server.",
             ms(late.largest()), ms(late.quantile(0.99)));
    if (of.skipped_lines != 0)
        line(into, "\n{} lines of the log are no GET or HEAD and were not sent.", of.skipped_lines);
    if (of.interrupted) line(into, "\nStopped before its end: these are the results so far.");
    if (!of.knee) return;
    if (!of.knee->found)
        line(into, "\nNo rate that was tried has {}.", describe(of.asked.slo));
    else
        line(into, "\nThe highest rate with {}: {:.1f}/s{}", describe(of.asked.slo), of.knee->found->per_second(),
             of.knee->reached_most ? ", the highest that is tried" : "");
}

}  // namespace

bool generator_was_late(const report& of) noexcept
{
    // A tenth of what is seen is the server's business no more.
    const auto was_late = [](const histogram& late, const histogram& latency) {
        return late.count() != 0 && late.quantile(0.99) > std::max(1ms + 0ns, latency.quantile(0.99) / 10);
    };
    if (!of.knee) return was_late(of.tally.lateness(), of.tally.all().latency);
    // A search overloads the machine on purpose: what counts is the rate that it found.
    return std::ranges::any_of(of.tally.steps(), [&](const step_tally& step) {
        return of.knee->found == step.wanted.rate && was_late(step.late, step.latency);
    });
}

std::string to_table(const report& of)
{
    const auto& all = of.tally.all();
    const double took = std::chrono::duration<double>{of.took}.count();
    std::string table;
    line(table, "{} requests in {:.1f} s to {} (seed {})", all.requests(), took, of.target, of.asked.seed);
    line(table, "{:.1f} answers per second, {} errors, at most {} connections",
         static_cast<double>(all.answers()) / took, all.errors(), of.connections_most);
    add_latencies(table, of.tally);
    add_steps(table, of);
    add_errors(table, of.tally);
    add_workers(table, of);
    add_processes(table, of);
    add_remarks(table, of);
    return table;
}

}  // namespace shoal::load
