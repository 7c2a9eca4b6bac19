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
    return {{http::verb::get, "/-/relay", "status", [this](http::request&) { return to_response(status()); }},
            {http::verb::get, "/-/relay/audit", "audit", [this](http::request&) { return to_response(audits()); }},
            {http::verb::post, "/-/relay/rebuild/{view}", "rebuild",
             [this](http::request& asked) { return rebuild(asked.parameters[0]); }}};
}

boost::asio::awaitable<void> handlers::drain()
{
    feed_->stop();
    watch_->stop();
    co_return;
}

http::response handlers::rebuild(std::string_view view)
{
    if (feed_->rebuild(view)) return http::response{202}.body("application/json", as_text(status()));
    return http::problem(
        409, "this relay keeps no view of that name that is ready or was refused; ask the one that has the slot");
}

nlohmann::json handlers::audits() const
{
    return feed_->audits().shown(chosen_->audits_per_second && !chosen_->views.empty());
}

nlohmann::json handlers::views() const
{
    auto shown = nlohmann::json::array();
    for (const auto& one : feed_->views()) {
        shown.push_back({{"name", one.name},
                         {"kind", views::name_of(one.now.is)},
                         {"state", views::name_of(one.now.at)},
                         {"generation", one.now.generation},
                         {"entries", one.entries}});
        if (!one.why.empty()) shown.back()["why"] = one.why;
    }
    return shown;
}

nlohmann::json handlers::status() const
{
    auto shown = to_json(feed_->now(), boot_clock::now());
    shown.update({{"slot", chosen_->slot},
                  {"publication", chosen_->publication},
                  {"wal_bytes", watch_->retained()},
                  {"wal_budget_bytes", chosen_->wal_budget},
                  {"views", views()}});
    return shown;
}

}  // namespace shoal::relay
