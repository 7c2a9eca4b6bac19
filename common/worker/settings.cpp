#include "common/worker/settings.hpp"

#include <arpa/inet.h>

#include "common/config/reader.hpp"

namespace shoal::worker {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kibi = 1024;

milliseconds read_time(config::object& from, std::string_view name, milliseconds fallback, milliseconds least = 1ms)
{
    return duration_cast<milliseconds>(from.duration(name, {least, 24h}, fallback));
}

std::size_t read_size(config::object& from, std::string_view name, std::size_t fallback, config::integer_range range)
{
    return static_cast<std::size_t>(from.integer(name, range, static_cast<std::int64_t>(fallback)));
}

http::concurrency_bounds read_concurrency(config::object from)
{
    http::concurrency_bounds read;
    read.least = read_size(from, "least", read.least, {1, 1'000'000});
    read.most = read_size(from, "most", read.most, {1, 1'000'000});
    if (read.least > read.most) from.problem("least", "is above most; make it smaller");
    from.done();
    return read;
}

microseconds read_service_time(config::object from)
{
    const auto read = from.duration("service_time", {0ms, 1s}, 0ms);
    from.done();
    return read;
}

void read_http(config::object from, settings& into)
{
    http::limits& read = into.http;
    read.request_line = read_size(from, "max_request_line", read.request_line, {256, 64 * kibi});
    read.head = read_size(from, "max_head", read.head, {512, 256 * kibi});
    read.header_count = read_size(from, "max_headers", read.header_count, {4, 1000});
    read.body = read_size(from, "max_body", read.body, {0, 64 * kibi * kibi});
    into.site_body = read_size(from, "max_site_body", into.site_body, {0, kibi * kibi * kibi * kibi});
    read.connections = read_size(from, "max_connections", read.connections, {1, 1'000'000});
    read.first_byte = read_time(from, "first_byte_timeout", read.first_byte);
    read.headers = read_time(from, "head_timeout", read.headers);
    read.whole_body = read_time(from, "body_timeout", read.whole_body);
    read.idle = read_time(from, "idle_timeout", read.idle);
    read.write = read_time(from, "write_timeout", read.write);
    if (from.has("concurrency")) read.concurrency = read_concurrency(from.child("concurrency"));
    if (from.has("test")) read.service_time = read_service_time(from.child("test"));
    if (read.request_line > read.head) from.problem("max_request_line", "is above max_head; make it smaller");
    from.done();
}

/// The secret itself stands in a file of its own, which can have stricter permissions.
std::string read_password(config::object& from)
{
    const auto file = from.text("password_file", "");
    if (file.empty()) return {};
    std::string secret;
    try {
        secret = config::read_file(file, 4096);
    } catch (const config::error& wrong) {
        from.problem("password_file", wrong.what());
        return {};
    }
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    if (secret.empty()) from.problem("password_file", "'" + file + "' is empty");
    return secret;
}

redis::endpoint read_endpoint(config::object from)
{
    redis::endpoint read;
    read.unix_path = from.text("unix", "");
    read.address = from.text("address", "");
    read.port = static_cast<std::uint16_t>(from.integer("port", {1, 65535}, 6379));
    read.username = from.text("username", "");
    read.password = read_password(from);
    in6_addr ignored{};
    if (read.unix_path.empty() == read.address.empty())
        from.problem("unix", "one of \"unix\" (a path) and \"address\" (numeric) is needed, not both");
    else if (!read.address.empty() && inet_pton(AF_INET, read.address.c_str(), &ignored) != 1 &&
             inet_pton(AF_INET6, read.address.c_str(), &ignored) != 1)
        from.problem("address",
                     "'" + read.address + "' is not numeric; a name would be looked up on the worker's loop");
    if (!read.username.empty() && read.password.empty()) from.problem("username", "needs a password_file");
    from.done();
    return read;
}

/// Either where it is, or how much memory the fleet gives the one that it runs itself.
redis::endpoint read_l2(config::object from)
{
    if (!from.has("memory")) return read_endpoint(std::move(from));
    (void)from.size("memory", {kibi * kibi, kibi * kibi * kibi * kibi});
    from.done();
    return {};
}

nlohmann::json shown(const redis::endpoint& from)
{
    if (!from.unix_path.empty()) return {{"unix", from.unix_path}};
    return {{"address", from.address}, {"port", from.port}};
}

bool is_named(const redis::endpoint& one)
{
    return !one.unix_path.empty() || !one.address.empty();
}

void read_redis(config::object from, settings& into)
{
    into.redis_timeout = read_time(from, "command_timeout", into.redis_timeout);
    if (from.has("state")) into.redis_state = read_endpoint(from.child("state"));
    if (from.has("l2")) into.redis_l2 = read_l2(from.child("l2"));
    from.done();
}

void read_log(config::object from, settings& into)
{
    into.log_level = from.one_of<log::level>("level",
                                             {{"debug", log::level::debug},
                                              {"info", log::level::info},
                                              {"warning", log::level::warning},
                                              {"error", log::level::error}},
                                             log::level::info);
    into.slow = read_time(from, "slow", into.slow, 0ms);
    from.done();
}

/// An object with an entry for each service: only the own one is judged here, each other one by its own service.
config::object by_service(config::object& from, std::string_view name, const service& what)
{
    const auto* const entries = from.raw(name);
    auto read = from.child(name);
    if (entries != nullptr && entries->is_object())
        for (const auto& [service, ignored] : entries->items())
            if (service != what.name()) (void)read.raw(service);
    return read;
}

std::int64_t read_workers(config::object from, const service& what)
{
    auto workers = by_service(from, "workers", what);
    const auto read = workers.integer(what.name(), {1, 1024}, facts{}.workers);
    workers.done();
    from.done();
    return read;
}

std::function<void()> read_service(config::object from, service& what, const facts& known)
{
    auto section = from.child(what.name());
    auto apply = what.read(section, known);
    from.done();
    return apply;
}

}  // namespace

settings read_settings(const std::string& file, service& what)
{
    const auto json = file.empty() ? nlohmann::json::object() : config::load(file);
    config::problems problems{file.empty() ? "(defaults)" : file};
    config::object top{json, "$", problems};

    settings read;
    read.known.version = top.integer("version", {0, INT64_C(1) << 52}, facts{}.version);
    read.known.workers = read_workers(top.child("fleet"), what);
    read_http(top.child("http"), read);
    read_log(top.child("log"), read);
    read_redis(top.child("redis"), read);
    read.apply_service = read_service(by_service(top, "services", what), what, read.known);
    top.done();
    if (!problems.empty()) throw config::error{problems.text()};
    return read;
}

bool settings::replace(settings read)
{
    const auto before = to_json(*this);
    const auto after = to_json(read);
    read.http = http;
    read.site_body = site_body;
    read.redis_state = redis_state;
    read.redis_l2 = redis_l2;
    read.redis_timeout = redis_timeout;
    *this = std::move(read);
    return before["http"] != after["http"] || before["redis"] != after["redis"];
}

nlohmann::json to_json(const settings& from)
{
    constexpr const char* levels[] = {"debug", "info", "warning", "error"};
    const auto text = [](milliseconds time) { return std::to_string(time.count()) + "ms"; };
    nlohmann::json redis = {{"command_timeout", text(from.redis_timeout)}};
    if (is_named(from.redis_state)) redis["state"] = shown(from.redis_state);
    if (is_named(from.redis_l2)) redis["l2"] = shown(from.redis_l2);
    return {{"log", {{"level", levels[static_cast<int>(from.log_level)]}, {"slow", text(from.slow)}}},
            {"redis", std::move(redis)},
            {"http",
             {{"max_request_line", from.http.request_line},
              {"max_head", from.http.head},
              {"max_headers", from.http.header_count},
              {"max_body", from.http.body},
              {"max_site_body", from.site_body},
              {"max_connections", from.http.connections},
              {"concurrency", {{"least", from.http.concurrency->least}, {"most", from.http.concurrency->most}}},
              {"test", {{"service_time", std::to_string(from.http.service_time.count()) + "us"}}},
              {"first_byte_timeout", text(from.http.first_byte)},
              {"head_timeout", text(from.http.headers)},
              {"body_timeout", text(from.http.whole_body)},
              {"idle_timeout", text(from.http.idle)},
              {"write_timeout", text(from.http.write)}}}};
}

}  // namespace shoal::worker
