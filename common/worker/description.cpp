#include "common/worker/description.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include <unistd.h>

namespace shoal::worker {
namespace {

nlohmann::json shown(const std::vector<socket_name>& sockets)
{
    auto names = nlohmann::json::array();
    for (const auto& one : sockets) names.push_back(to_string(one));
    return names;
}

}  // namespace

nlohmann::json describe(const flags& asked, const settings& in_force, const service& what, const identity& self,
                        phase current)
{
    auto config = to_json(in_force);
    config["fleet"] = {{"workers", {{what.name(), in_force.known.workers}}}};
    config["services"] = {{what.name(), what.effective()}};
    return {{"name", asked.name},
            {"service", what.name()},
            {"version", SHOAL_VERSION},
            {"generation", asked.generation},
            {"incarnation", self.incarnation},
            {"pid", getpid()},
            {"config_version", in_force.known.version},
            {"config", std::move(config)},
            {"draining", current == phase::draining},
            {"started", wall_clock::to_time_t(self.started_wall)},
            {"uptime_s", std::chrono::duration_cast<std::chrono::seconds>(boot_clock::now() - self.started).count()},
            {"listen", shown(asked.listen)},
            {"listen_site", shown(asked.listen_site)}};
}

}  // namespace shoal::worker
