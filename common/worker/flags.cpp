#include "common/worker/flags.hpp"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace shoal::worker {
namespace {

constexpr int usage_error = 2;
/// sun_path has 108 bytes with its NUL; the name that a process binds before it publishes adds 13.
constexpr std::size_t longest_unix_path = 107 - 13;

const char* const footer =
    "SOCKET is unix:PATH or tcp:ADDRESS:PORT with a numeric address. A unix PATH is the name of the worker's\n"
    "place: the process takes it over from the one that has it when it is ready to serve, and the other drains.\n"
    "\n"
    "signals: HUP reads --config again (a bad one is logged and the old stays in force); TERM drains and ends,\n"
    "a second TERM ends at once.\n"
    "exit codes: 0 drained, or the place belongs to a newer generation; 1 could not start; 2 wrong usage.\n";

bool is_numeric(const std::string& address)
{
    in6_addr ignored{};
    return inet_pton(AF_INET, address.c_str(), &ignored) == 1 || inet_pton(AF_INET6, address.c_str(), &ignored) == 1;
}

std::string check_socket(const std::string& text)
{
    const auto name = parse_socket(text);
    if (!name) return "'" + text + "' is neither unix:PATH nor tcp:ADDRESS:PORT with a numeric address";
    if (name->unix_path.size() > longest_unix_path)
        return "the path '" + name->unix_path + "' is longer than " + std::to_string(longest_unix_path) + " bytes";
    return {};
}

void check_whole(const flags& read)
{
    if (read.check_config) return;
    if (read.name.empty()) throw CLI::RequiredError("--name");
    if (read.listen.empty()) throw CLI::RequiredError("--listen");
    if (read.admin.unix_path.empty()) throw CLI::ValidationError("--admin", "is required, as unix:PATH");
    std::vector<std::string> paths{read.admin.unix_path};
    for (const auto* given : {&read.listen, &read.listen_site})
        for (const auto& one : *given)
            if (!one.unix_path.empty()) paths.push_back(one.unix_path);
    std::ranges::sort(paths);
    if (const auto twice = std::ranges::adjacent_find(paths); twice != paths.end())
        throw CLI::ValidationError("--admin, --listen and --listen-site",
                                   "name '" + *twice + "' twice; each needs a path of its own");
}

void add_seconds(CLI::App& to, const std::string& name, std::int64_t& seconds, int most, const std::string& what)
{
    to.add_option(name, seconds, what)
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, int>{{"s", 1}, {"m", 60}}))
        ->check(CLI::Range(1, most))
        ->capture_default_str();
}

}  // namespace

std::string to_string(const socket_name& name)
{
    if (!name.unix_path.empty()) return "unix:" + name.unix_path;
    return "tcp:" + name.address + ":" + std::to_string(name.port);
}

std::optional<socket_name> parse_socket(std::string_view text)
{
    if (text.starts_with("unix:") && text.size() > 5) return socket_name{.unix_path = std::string{text.substr(5)}};
    if (!text.starts_with("tcp:")) return std::nullopt;
    text.remove_prefix(4);
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string address{text.substr(0, colon)};
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    const auto digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || !is_numeric(address)) return std::nullopt;
    return socket_name{.address = std::move(address), .port = port};
}

command_line parse_flags(int argc, const char* const* argv, std::string_view service)
{
    const std::string program = "shoal-" + std::string{service};
    CLI::App app{program + ": one worker of Shoal's " + std::string{service} + " service", program};
    app.footer(footer);
    app.set_version_flag("--version", program + " " SHOAL_VERSION);

    flags read;
    std::vector<std::string> listen;
    std::vector<std::string> listen_site;
    std::string admin;
    std::string redis_state;
    std::string redis_l2;
    std::string style;
    std::int64_t drain_s = 30;
    std::int64_t warm_s = 5;
    app.add_option("--name", read.name, "Name of the worker, as limiter-1");
    app.add_option("--generation", read.generation, "Grows with each replacement of this place's process")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--config", read.config, "Configuration file; without one every default is in force");
    app.add_option("--listen", listen, "SOCKET for requests; may be repeated")
        ->check(check_socket)
        ->type_name("SOCKET");
    app.add_option("--listen-site", listen_site,
                   "SOCKET of a service that stands before sites, for what comes to them; may be repeated")
        ->check(check_socket)
        ->type_name("SOCKET");
    app.add_option("--admin", admin, "unix:PATH for /-/live, /-/ready, /-/metrics and /-/config")->check(check_socket);
    app.add_option("--redis-state", redis_state, "SOCKET of the Redis that keeps the truth, unless the file names one")
        ->check(check_socket);
    app.add_option("--redis-l2", redis_l2,
                   "SOCKET of the Redis that keeps what can be had again, unless the file names one")
        ->check(check_socket);
    app.add_option("--log", style, "json or text; text on a terminal by default")
        ->check(CLI::IsMember({"json", "text"}));
    add_seconds(app, "--drain-deadline", drain_s, 3600, "Seconds until a draining worker ends whatever is unfinished");
    add_seconds(app, "--warm-deadline", warm_s, 60,
                "Seconds until a starting worker takes its place over without all that the process before it had in "
                "memory");
    app.add_flag("--check-config", read.check_config, "Say what is wrong with --config and end with 0 or 1");

    try {
        app.parse(argc, argv);
        for (const auto& one : listen) read.listen.push_back(*parse_socket(one));
        for (const auto& one : listen_site) read.listen_site.push_back(*parse_socket(one));
        if (!admin.empty()) read.admin = *parse_socket(admin);
        if (!redis_state.empty()) read.redis_state = parse_socket(redis_state);
        if (!redis_l2.empty()) read.redis_l2 = parse_socket(redis_l2);
        if (!style.empty()) read.log_style = style == "json" ? log::style::json : log::style::text;
        read.drain_deadline = std::chrono::seconds{drain_s};
        read.warm_deadline = std::chrono::seconds{warm_s};
        check_whole(read);
    } catch (const CLI::Success& asked) {
        return {.asked = std::nullopt, .exit_code = app.exit(asked)};
    } catch (const CLI::ParseError& wrong) {
        app.exit(wrong);
        return {.asked = std::nullopt, .exit_code = usage_error};
    }
    return {.asked = std::move(read), .exit_code = 0};
}

}  // namespace shoal::worker
