#include "services/relay/handlers/standing.hpp"

#include <algorithm>
#include <chrono>

namespace shoal::relay {

std::string_view name_of(role which) noexcept
{
    switch (which) {
    case role::standby: return "standby";
    case role::active: return "active";
    case role::disconnected: break;
    }
    return "disconnected";
}

nlohmann::json to_json(const standing& of, boot_time now)
{
    auto shown = to_public_json(of, now);
    shown.update({{"source", of.source},
                  {"received", format_lsn(of.received)},
                  {"confirmed", format_lsn(of.done)},
                  {"server", format_lsn(of.server)},
                  {"lag_bytes", of.server - std::min(of.server, of.done)},
                  {"open_transactions", of.open_transactions},
                  {"rows", of.rows},
                  {"purges", of.writes},
                  {"epoch", of.epoch}});
    if (!of.why.empty()) shown["why"] = of.why;
    return shown;
}

nlohmann::json to_public_json(const standing& of, boot_time now)
{
    nlohmann::json shown{{"role", name_of(of.as)}};
    if (of.current_at != boot_time::min())
        shown["lag_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(now - of.current_at).count();
    return shown;
}

std::string as_text(const nlohmann::json& shown)
{
    return shown.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace shoal::relay
