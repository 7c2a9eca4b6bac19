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

redis::options redis_options(const flags& asked, const settings& read)
{
    redis::options made;
    made.where = read.redis_state;
    made.command_timeout = read.redis_timeout;
    if (!made.where.unix_path.empty() || !made.where.address.empty()) return made;
    if (!asked.redis_state)
        throw config::error{"no Redis to use: name one with --redis-state or as redis.state in the configuration"};
    made.where.unix_path = asked.redis_state->unix_path;
    made.where.address = asked.redis_state->address;
    made.where.port = asked.redis_state->port;
    return made;
}

http::limits http_limits(const settings& read)
{
    constexpr rlim_t spared = 64;
    http::limits made = read.http;
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 2 * spared)
        made.connections = std::min<std::size_t>(made.connections, files.rlim_cur - spared);
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
    for (const auto& one : asked.listen)
        if (!one.unix_path.empty()) paths.push_back(one.unix_path);
    return paths;
}

}  // namespace shoal::worker
