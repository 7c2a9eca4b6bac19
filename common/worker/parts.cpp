#include "common/worker/parts.hpp"

#include "common/config/reader.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace shoal::worker {

log::options log_options(const flags& asked, const settings& read)
{
    log::options made;
    made.least = read.log_level;
    made.format = asked.log_style.value_or(log::style_for(made.descriptor));
    made.worker = asked.name;
    return made;
}

namespace {

/// What the file says, else the command line.
redis::endpoint chosen(const redis::endpoint& configured, const std::optional<socket_name>& given)
{
    if (!configured.unix_path.empty() || !configured.address.empty() || !given) return configured;
    redis::endpoint made;
    made.unix_path = given->unix_path;
    made.address = given->address;
    made.port = given->port;
    return made;
}

std::optional<redis::options> options_of(const char* name, const redis::endpoint& where, const settings& read)
{
    if (where.unix_path.empty() && where.address.empty()) return std::nullopt;
    redis::options made;
    made.where = where;
    made.name = name;
    made.command_timeout = read.redis_timeout;
    return made;
}

}  // namespace

redis::options state_options(const flags& asked, const settings& read)
{
    auto made = options_of("state", chosen(read.redis_state, asked.redis_state), read);
    if (!made)
        throw config::error{"no Redis to use: name one with --redis-state or as redis.state in the configuration"};
    return *std::move(made);
}

std::optional<redis::options> l2_options(const flags& asked, const settings& read)
{
    return options_of("l2", chosen(read.redis_l2, asked.redis_l2), read);
}

http::limits http_limits(const flags& asked, const settings& read)
{
    constexpr rlim_t spared = 64;
    http::limits made = read.http;
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= 2 * spared) return made;
    const auto parts = asked.listen_site.empty() ? 1U : 3U;
    made.connections = std::min<std::size_t>(made.connections, (files.rlim_cur - spared) / parts);
    return made;
}

http::limits site_limits(const flags& asked, const settings& read)
{
    auto made = http_limits(asked, read);
    made.body = read.site_body;
    return made;
}

std::string lock_path(const flags& asked)
{
    const auto& path = asked.admin.unix_path;
    const auto slash = path.rfind('/');
    return (slash == std::string::npos ? std::string{} : path.substr(0, slash + 1)) + asked.name + ".lock";
}

std::vector<std::string> place_paths(const flags& asked)
{
    std::vector<std::string> paths{asked.admin.unix_path};
    for (const auto* given : {&asked.listen, &asked.listen_site})
        for (const auto& one : *given)
            if (!one.unix_path.empty()) paths.push_back(one.unix_path);
    return paths;
}

}  // namespace shoal::worker
