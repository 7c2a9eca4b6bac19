#include "services/relay/handlers/handlers.hpp"

#include <utility>

#include "common/config/reader.hpp"
#include "common/runtime/task_group.hpp"

namespace shoal::relay {
namespace {

http::response to_response(const nlohmann::json& shown)
{
    return http::response{200}.body("application/json", as_text(shown));
}

}  // namespace

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
             [this](http::request&) { return to_response(to_public_json(feed_->now(), boot_clock::now())); }}};
}

std::vector<http::route> handlers::admin_routes()
{
    return {{http::verb::get, "/-/relay", "status", [this](http::request&) { return to_response(status()); }}};
}

boost::asio::awaitable<void> handlers::drain()
{
    feed_->stop();
    watch_->stop();
    co_return;
}

nlohmann::json handlers::status() const
{
    auto shown = to_json(feed_->now(), boot_clock::now());
    shown.update({{"slot", chosen_->slot},
                  {"publication", chosen_->publication},
                  {"wal_bytes", watch_->retained()},
                  {"wal_budget_bytes", chosen_->wal_budget}});
    return shown;
}

}  // namespace shoal::relay
