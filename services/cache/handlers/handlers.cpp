#include "services/cache/handlers/handlers.hpp"

#include <utility>

namespace shoal::cache {

std::function<void()> handlers::read(config::object& section, const worker::facts&)
{
    auto chosen = std::make_shared<const settings>(read_settings(section));
    return [this, chosen = std::move(chosen)] { apply(chosen); };
}

void handlers::apply(std::shared_ptr<const settings> chosen)
{
    chosen_ = std::move(chosen);
    if (!engine_) return;
    engine_->sites = std::make_shared<const live_sites>(chosen_, engine_->sites.get(), engine_->on);
    engine_->l1.resize(chosen_->memory);
}

nlohmann::json handlers::effective() const
{
    return to_json(*chosen_);
}

std::vector<http::route> handlers::start(const worker::context& from)
{
    engine_.emplace(from, chosen_);
    purges_.emplace(*engine_);
    gate_.emplace(*engine_, *purges_);
    inspection_.emplace(*engine_);
    engine_->log.start();
    return purges_->routes();
}

http::stream_handler handlers::site_handler()
{
    return [this](http::request& from, http::exchange& to) { return gate_->handle(from, to); };
}

std::vector<http::route> handlers::admin_routes()
{
    return inspection_->routes();
}

boost::asio::awaitable<void> handlers::drain()
{
    return engine_->log.drain();
}

void handlers::end() noexcept
{
    inspection_.reset();
    gate_.reset();
    purges_.reset();
    engine_.reset();
}

}  // namespace shoal::cache
