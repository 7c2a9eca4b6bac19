#include "services/relay/handlers/handlers.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/config/reader.hpp"
#include "common/runtime/task_group.hpp"

namespace shoal::relay {

std::function<void()> handlers::read(config::object& section, const worker::facts&)
{
    auto chosen = std::make_shared<const settings>(read_settings(section));
    return [this, chosen = std::move(chosen)]() mutable {
        chosen_ = std::move(chosen);
        if (feed_) feed_->choose(chosen_);
        if (watch_) watch_->choose(chosen_);
    };
}

std::vector<http::route> handlers::start(const worker::context& from)
{
    feed_.emplace(from, chosen_);
    watch_.emplace(from, chosen_, [this](bool away) { feed_->keep_away(away); });
    from.tasks.spawn("relay", feed_->run());
    from.tasks.spawn("relay: watch", watch_->run());
    return {{http::verb::get, "/v1/relay", "relay",
             [this](http::request&) { return http::response{200}.body("application/json", status().dump()); }}};
}

std::vector<http::route> handlers::admin_routes()
{
    return {{http::verb::get, "/-/relay", "status",
             [this](http::request&) { return http::response{200}.body("application/json", status().dump()); }}};
}

boost::asio::awaitable<void> handlers::drain()
{
    feed_->stop();
    watch_->stop();
    co_return;
}

nlohmann::json handlers::status() const
{
    const auto found = feed_->now();
    nlohmann::json shown{{"role", name_of(found.as)},
                         {"slot", chosen_->slot},
                         {"publication", chosen_->publication},
                         {"source", found.source},
                         {"received", format_lsn(found.received)},
                         {"confirmed", format_lsn(found.done)},
                         {"server", format_lsn(found.server)},
                         {"lag_bytes", found.server - std::min(found.server, found.done)},
                         {"open_transactions", found.open_transactions},
                         {"rows", found.rows},
                         {"purges", found.writes},
                         {"epoch", found.epoch},
                         {"wal_bytes", watch_->retained()},
                         {"wal_budget_bytes", chosen_->wal_budget}};
    if (found.current_at != boot_time::min())
        shown["lag_ms"] =
            std::chrono::duration_cast<std::chrono::milliseconds>(boot_clock::now() - found.current_at).count();
    if (!found.why.empty()) shown["why"] = found.why;
    return shown;
}

std::string_view name_of(role which) noexcept
{
    switch (which) {
    case role::standby: return "standby";
    case role::active: return "active";
    case role::disconnected: break;
    }
    return "disconnected";
}

}  // namespace shoal::relay
