#include "services/cache/handlers/handlers.hpp"

#include <utility>

#include "common/metrics/metrics.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/handlers/purge_history.hpp"
#include "services/cache/warm/hottest.hpp"
#include "services/cache/warm/warm_up.hpp"

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
    auditor_.emplace(*engine_);
    engine_->log.start();
    from.tasks.spawn("auditor", auditor_->run());
    return purges_->routes();
}

http::stream_handler handlers::site_handler()
{
    return [this](http::request& from, http::exchange& to) { return gate_->handle(from, to); };
}

std::vector<http::route> handlers::admin_routes()
{
    auto routes = inspection_->routes();
    for (auto& one : purge_history_routes(*engine_)) routes.push_back(std::move(one));
    routes.push_back(hottest_route(engine_->on.loop, engine_->l1));
    routes.push_back(auditor_->route());
    return routes;
}

boost::asio::awaitable<void> handlers::warm(worker::succession from)
{
    const auto& on = engine_->on;
    auto& warmed = on.metrics.add_gauge("shoal_cache_warmed_objects",
                                        "Responses that came back from what the process before this one kept.");
    if (on.l2 == nullptr) co_return;
    const warm_parts parts{.loop = on.loop,
                           .tasks = on.tasks,
                           .log = on.log,
                           .purges = engine_->log,
                           .l1 = engine_->l1,
                           .l2 = engine_->l2};
    const auto objects = co_await warm_up(parts, std::move(from));
    warmed.set(static_cast<double>(objects));
}

boost::asio::awaitable<void> handlers::drain()
{
    auditor_->stop();
    return engine_->log.drain();
}

void handlers::end() noexcept
{
    auditor_.reset();
    inspection_.reset();
    gate_.reset();
    purges_.reset();
    engine_.reset();
}

}  // namespace shoal::cache
