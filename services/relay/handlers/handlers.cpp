#include "services/relay/handlers/handlers.hpp"

#include "common/config/reader.hpp"

namespace shoal::relay {

std::function<void()> handlers::read(config::object& section, const worker::facts&)
{
    (void)section.text("postgres", "");
    return [] {};
}

nlohmann::json handlers::effective() const
{
    return nlohmann::json::object();
}

std::vector<http::route> handlers::start(const worker::context&)
{
    return {};
}

}  // namespace shoal::relay
