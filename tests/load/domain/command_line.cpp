#include "tests/load/domain/command_line.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

#include "common/core/ascii.hpp"
#include "tests/load/domain/bad_input.hpp"
#include "tests/load/domain/values.hpp"

namespace shoal::load {
namespace {

/// As given; empty is not given.
struct words {
    std::string url, host, unix_path, rate, step, duration, slo, trial, keys, methods, body, statuses, admissions;
    std::string timeout, connections, waiting, closed, seed;
    std::vector<std::string> headers, processes;
    bool find_max = false;
    bool close = false;
    bool mine = false;
    bool really = false;
};

void declare(CLI::App& app, words& given, options& into)
{
    app.set_help_flag("-h,--help");
    app.add_option("--url", given.url);
    app.add_option("--host", given.host);
    app.add_option("--unix", given.unix_path);
    app.add_option("--rate", given.rate);
    app.add_option("--step", given.step);
    app.add_option("--duration", given.duration);
    app.add_option("--closed", given.closed);
    app.add_flag("--find-max", given.find_max);
    app.add_option("--slo", given.slo);
    app.add_option("--trial", given.trial);
    app.add_option("--keys", given.keys);
    app.add_option("--method", given.methods);
    app.add_option("--header", given.headers)->allow_extra_args(false);
    app.add_option("--body", given.body);
    app.add_option("--expect-status", given.statuses);
    app.add_option("--expect-body", into.checks.body);
    app.add_flag("--check-owner", into.checks.owner);
    app.add_option("--owner-header", into.owner_field);
    app.add_option("--check-admissions", given.admissions);
    app.add_option("--check-fresh", into.checks.version_mark);
    app.add_option("--connections", given.connections);
    app.add_flag("--no-keep-alive", given.close);
    app.add_option("--timeout", given.timeout);
    app.add_option("--waiting", given.waiting);
    app.add_flag("--retry", into.retry);
    app.add_option("--seed", given.seed);
    app.add_option("--pid", given.processes)->allow_extra_args(false);
    app.add_option("--json", into.json_path);
    app.add_option("--record", into.record_path);
    app.add_flag("--quiet", into.quiet);
    app.add_flag("--target-is-mine", given.mine);
    app.add_flag("--really", given.really);
}

template <class T>
T number(std::string_view option, const std::string& text, T least, T most)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        throw bad_input{fmt::format("{} '{}' must be a number from {} to {}", option, text, least, most)};
    return value;
}

/// Options that mean nothing where the others say another kind of run.
void refuse_together(std::string_view first, bool has_first, std::string_view second, bool has_second,
                     std::string_view why)
{
    if (has_first && has_second) throw bad_input{fmt::format("{} and {} do not go together: {}", first, second, why)};
}

void read_open(const words& given, options& into)
{
    const auto rates = parse_rates(given.rate.empty() ? "100" : given.rate);
    const auto count = static_cast<std::int64_t>(rates.size());
    std::chrono::nanoseconds length = std::chrono::seconds{10};
    if (!given.step.empty())
        length = parse_time("--step", given.step, limits::most_duration);
    else if (!given.duration.empty())
        length = parse_time("--duration", given.duration, limits::most_duration) / count;
    for (const auto rate : rates) into.steps.push_back({rate, length});
    if (into.expected_length() > limits::most_duration)
        throw bad_input{"--rate and --step: together the steps take more than a day"};
    if (std::ranges::all_of(into.steps, [](const auto& step) { return arrivals(step) == 0; }))
        throw bad_input{"--rate and --duration leave no time for a request"};
}

void read_search(const words& given, options& into)
{
    if (given.slo.empty()) throw bad_input{"--find-max needs to know what is good enough: add --slo p99=5ms, say"};
    const auto rates = parse_rates(given.rate.empty() ? "100" : given.rate);
    if (rates.size() > 1) throw bad_input{"--find-max begins at one --rate and goes on from there by itself"};
    into.first_rate = rates.front();
    into.slo = parse_objective(given.slo);
    into.trial =
        given.trial.empty() ? std::chrono::seconds{5} : parse_time("--trial", given.trial, std::chrono::hours{1});
}

void read_kind(const words& given, options& into)
{
    refuse_together("--closed", !given.closed.empty(), "--rate", !given.rate.empty(),
                    "a closed loop sends when an answer has come, whatever the rate");
    refuse_together("--closed", !given.closed.empty(), "--find-max", given.find_max,
                    "a closed loop slows down with the server and so has no knee");
    refuse_together("--duration", !given.duration.empty(), "--step", !given.step.empty(),
                    "--step is the time of each rate, --duration that of all");
    refuse_together("--duration", !given.duration.empty(), "--find-max", given.find_max,
                    "--trial is the time of each rate that is tried");
    refuse_together("--slo", !given.slo.empty(), "a run without --find-max", !given.find_max,
                    "only the search has a target");
    refuse_together("--trial", !given.trial.empty(), "a run without --find-max", !given.find_max,
                    "only the search has trials");
    if (given.find_max) {
        into.how = mode::find_max;
        return read_search(given, into);
    }
    if (given.closed.empty()) return read_open(given, into);
    into.how = mode::closed;
    into.closed = number("--closed", given.closed, std::uint32_t{1}, limits::most_connections);
    into.duration = given.duration.empty() ? std::chrono::seconds{10}
                                           : parse_time("--duration", given.duration, limits::most_duration);
}

void read_request(const words& given, options& into)
{
    into.request.authority = given.host.empty() ? into.target.authority : given.host;
    if (!std::ranges::all_of(into.request.authority, is_visible))
        throw bad_input{"--host must be a name or an address, without spaces"};
    into.request.target = into.target.target;
    into.request.keep_alive = !given.close;
    if (!given.methods.empty()) into.request.methods = parse_methods(given.methods);
    for (const auto& header : given.headers) into.request.fields.push_back(parse_field(header));
    into.request.body = read_body(given.body);
    const auto& methods = into.request.methods;
    if (!into.request.body.empty() && std::ranges::none_of(methods, takes_body, &method_share::name))
        throw bad_input{"--body goes with POST, PUT and PATCH; name one of them with --method"};
}

void read_bounds(const words& given, options& into)
{
    if (!given.connections.empty())
        into.connections = number("--connections", given.connections, std::uint32_t{1}, limits::most_connections);
    if (into.how == mode::closed) into.connections = std::max(into.closed, into.connections);
    if (!given.waiting.empty())
        into.waiting = number("--waiting", given.waiting, std::uint32_t{0}, limits::most_waiting);
    if (!given.timeout.empty()) into.timeout = parse_time("--timeout", given.timeout, limits::most_timeout);
    if (!given.seed.empty()) into.seed = number("--seed", given.seed, std::uint64_t{0}, ~std::uint64_t{0});
    for (const auto& process : given.processes) into.processes.push_back(parse_process(process));
    if (into.processes.size() > limits::most_processes)
        throw bad_input{fmt::format("--pid: at most {} processes are watched", limits::most_processes)};
    if (given.mine != given.really)
        throw bad_input{"a target that is not this machine is loaded only with both --target-is-mine and --really"};
    into.remote_allowed = given.mine;
}

}  // namespace

std::optional<options> parse_command_line(int argc, const char* const* argv, std::uint64_t seed)
{
    words given;
    options read;
    read.seed = seed;
    CLI::App app;
    declare(app, given, read);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return std::nullopt;
    } catch (const CLI::ParseError& wrong) {
        throw bad_input{wrong.what()};
    }
    if (given.url.empty()) throw bad_input{"--url is missing: give one as --url http://127.0.0.1:8080/path"};
    read.target = parse_url(given.url);
    read.unix_path = given.unix_path;
    if (!given.keys.empty()) read.keys = parse_keys(given.keys);
    if (!given.statuses.empty()) read.checks.statuses = parse_statuses(given.statuses);
    if (!given.admissions.empty()) read.checks.admissions = parse_admissions(given.admissions);
    read_kind(given, read);
    read_request(given, read);
    read_bounds(given, read);
    return read;
}

std::vector<std::string> option_names()
{
    words given;
    options ignored;
    CLI::App app;
    declare(app, given, ignored);
    std::vector<std::string> names;
    for (const auto* const option : app.get_options())
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

}  // namespace shoal::load
