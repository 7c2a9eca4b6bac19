#include "tests/load/edge/run.hpp"

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

#include "tests/load/domain/bad_input.hpp"
#include "tests/load/domain/command_line.hpp"
#include "tests/load/edge/session.hpp"

namespace shoal::load {
namespace {

constexpr int wrong_usage = 2;
constexpr int stopped_by_signal = 130;

keys open_keys(const options& asked)
{
    const bool numbered = asked.keys.from == key_choice::kind::uniform || asked.keys.from == key_choice::kind::zipf;
    if (numbered) return {asked.keys, asked.seed};
    std::ifstream file{asked.keys.path};
    if (!file) throw bad_input{fmt::format("--keys: {} can't be read: {}", asked.keys.path, std::strerror(errno))};
    return {asked.keys, file};
}

std::string describe(const options& asked, const endpoint& target)
{
    if (!asked.unix_path.empty()) return "unix:" + asked.unix_path;
    boost::asio::ip::tcp::endpoint address;
    std::memcpy(address.data(), target.data(), std::min(address.capacity(), target.size()));
    const bool v6 = address.address().is_v6();
    return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), address.address().to_string(), address.port());
}

/// The file is opened before the first request: nobody wants to hear of a wrong path after an hour.
std::ofstream open_json(const std::string& path)
{
    std::ofstream file;
    if (path.empty()) return file;
    file.open(path);
    if (!file) throw bad_input{fmt::format("--json '{}' can't be written: {}", path, std::strerror(errno))};
    return file;
}

int report_problem(std::string_view problem)
{
    fmt::print(stderr, "loadtest: {}\n", problem);
    return 1;
}

int finish(const report& done, const options& asked, std::ofstream& json, recorder* record)
{
    fmt::print("{}", to_table(done));
    std::fflush(stdout);
    int code = done.tally.all().errors() == 0 || asked.how == mode::find_max ? 0 : 1;
    if (done.knee && !done.knee->found) code = 1;
    if (!asked.json_path.empty() && !(json << to_json(done) << std::flush))
        code = report_problem(fmt::format("--json '{}' is not complete: {}", asked.json_path, std::strerror(errno)));
    if (record != nullptr)
        if (const auto problem = record->finish(); !problem.empty()) code = report_problem(problem);
    return done.interrupted ? stopped_by_signal : code;
}

std::vector<process_usage> usage_of(const cpu_watch& cpu)
{
    std::vector<process_usage> list;
    for (const auto& one : cpu.all()) list.push_back({one.process, one.used, one.ended, one.samples});
    return list;
}

int load(const options& asked)
{
    boost::asio::io_context loop{1};
    const endpoint target = find_target(loop, asked);
    allow_descriptors(asked.connections);
    keys all_keys = open_keys(asked);
    checks judge{asked.checks, all_keys.size()};
    tally counted{asked.expected_length() + asked.timeout};
    cpu_watch cpu{asked.processes};
    auto json = open_json(asked.json_path);
    std::optional<recorder> record;
    if (!asked.record_path.empty()) record.emplace(asked.record_path);
    const request_template requests{asked.request};
    progress shown{asked.quiet};
    shown.say(fmt::format("{} with seed {}", describe(asked, target), asked.seed));

    const auto own_before = cpu_time(getpid()).value_or(std::chrono::nanoseconds{});
    const double started = std::chrono::duration<double>{std::chrono::system_clock::now().time_since_epoch()}.count();
    const run_clock clock{run_lead};
    session course{
        loop, {asked, clock, requests, all_keys, judge, counted, record ? &*record : nullptr, target}, cpu, shown};
    course.run();
    shown.clear();
    cpu.update();

    const auto& steps = counted.steps();
    const auto begin = steps.front().start;
    const auto planned =
        asked.how == mode::find_max || course.interrupted() ? std::chrono::nanoseconds{} : asked.expected_length();
    const report done{.asked = asked,
                      .tally = counted,
                      .checks = judge,
                      .keys = all_keys.size(),
                      .skipped_lines = all_keys.skipped(),
                      .started = started,
                      .took = std::max({planned, counted.all().last - begin, std::chrono::nanoseconds{1}}),
                      .target = describe(asked, target),
                      .interrupted = course.interrupted(),
                      .knee = course.knee(),
                      .processes = usage_of(cpu),
                      .own_cpu = cpu_time(getpid()).value_or(own_before) - own_before,
                      .connections_opened = course.sender().opened(),
                      .connections_most = course.sender().most_open()};
    return finish(done, asked, json, record ? &*record : nullptr);
}

}  // namespace

int run(int argc, const char* const* argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const auto asked = parse_command_line(argc, argv, std::random_device{}());
        if (asked) return load(*asked);
        fmt::print("'scripts/loadtest --help' explains it\n");
        return 0;
    } catch (const bad_input& wrong) {
        fmt::print(stderr, "loadtest: {}\n  'scripts/loadtest --help' explains it\n", wrong.what());
        return wrong_usage;
    }
}

}  // namespace shoal::load
