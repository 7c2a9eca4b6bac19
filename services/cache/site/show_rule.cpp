#include "services/cache/site/read_rule.hpp"

#include "common/config/duration.hpp"

namespace shoal::cache {
namespace {

using nlohmann::json;

json patterns_of(const std::vector<glob>& globs)
{
    json shown = json::array();
    for (const auto& one : globs) shown.push_back(one.pattern());
    return shown;
}

std::string time_of(std::int64_t seconds)
{
    return config::format_duration(std::chrono::seconds{seconds});
}

const char* name_of(cookie_mode mode)
{
    switch (mode) {
    case cookie_mode::guard: return "guard";
    case cookie_mode::ignore: return "ignore";
    case cookie_mode::bypass: break;
    }
    return "bypass";
}

json methods_of(const rule& from)
{
    json shown = json::array();
    if (from.get) shown.push_back("GET");
    if (from.head) shown.push_back("HEAD");
    return shown;
}

}  // namespace

void show_handling(const rule& from, json& into)
{
    const auto& policy = from.policy;
    into.update(
        {{"methods", methods_of(from)},
         {"query",
          {{"sort", from.query.sort}, {"drop", patterns_of(from.query.drop)}, {"keep", patterns_of(from.query.keep)}}},
         {"cookies", name_of(from.cookies)},
         {"accept_encoding", from.accept_encoding},
         {"accept_language", from.accept_language},
         {"default_ttl", time_of(policy.default_ttl)},
         {"negative_ttl", time_of(policy.negative_ttl)},
         {"heuristics", policy.heuristics},
         {"stale_while_revalidate", time_of(policy.stale_while_revalidate)},
         {"stale_if_error", time_of(policy.stale_if_error)},
         {"client_directives", from.client_directives}});
    if (policy.ttl) into["ttl"] = time_of(*policy.ttl);
}

json to_json(const rule& from)
{
    json shown{{"path", from.path.pattern()}, {"pass", from.pass}};
    show_handling(from, shown);
    return shown;
}

}  // namespace shoal::cache
