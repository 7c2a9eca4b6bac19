#include "services/cache/handlers/handlers.hpp"

namespace shoal::cache {

std::function<void()> handlers::read(config::object&, const worker::facts&)
{
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

}  // namespace shoal::cache
