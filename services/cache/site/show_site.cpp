#include "services/cache/site/read_site.hpp"

#include "common/config/duration.hpp"
#include "common/config/size.hpp"
#include "services/cache/site/read_rule.hpp"

namespace shoal::cache {
namespace {

using nlohmann::json;

const char* name_of(forwarded_for which)
{
    switch (which) {
    case forwarded_for::chain: return "chain";
    case forwarded_for::none: return "none";
    case forwarded_for::client: break;
    }
    return "client";
}

void show_origin(const origin_servers& from, json& into)
{
    into.update({{"origins", from.servers},
                 {"connect_timeout", config::format_duration(from.connect)},
                 {"first_byte_timeout", config::format_duration(from.first_byte)},
                 {"between_bytes_timeout", config::format_duration(from.between_bytes)},
                 {"idle_timeout", config::format_duration(from.idle)},
                 {"connections", from.connections}});
    if (!from.host.empty()) into["origin_host"] = from.host;
    if (!from.check) return;
    into["check"] = {{"path", from.check->path},
                     {"host", from.check->host},
                     {"interval", config::format_duration(from.check->interval)},
                     {"timeout", config::format_duration(from.check->timeout)}};
}

}  // namespace

json to_json(const site& from)
{
    json shown{{"name", from.name},
               {"hosts", from.hosts},
               {"max_object", config::format_size(static_cast<std::int64_t>(from.max_object))},
               {"tags_hidden", from.tags_hidden},
               {"forwarded_for", name_of(from.addresses)},
               {"rules", json::array()}};
    if (from.relay_within) shown["relay_within"] = config::format_duration(*from.relay_within);
    if (from.audits_per_second) shown["audit"] = {{"per_second", *from.audits_per_second}};
    if (from.read_your_writes) shown["read_your_writes"] = config::format_duration(*from.read_your_writes);
    show_origin(from.origin, shown);
    show_handling(from.otherwise, shown);
    for (const auto& one : from.rules) shown["rules"].push_back(to_json(one));
    return shown;
}

}  // namespace shoal::cache
