#include "services/views/handlers/handlers.hpp"

#include <utility>

#include "common/config/reader.hpp"
#include "services/views/handlers/after.hpp"
#include "services/views/handlers/replies.hpp"
#include "services/views/query/question.hpp"
#include "views_handlers_embedded.hpp"

namespace shoal::views {

std::function<void()> handlers::read(config::object& section, const worker::facts&)
{
    return [this, chosen = read_settings(section)] {
        chosen_ = chosen;
        if (desk_) desk_->choose(chosen_);
    };
}

std::vector<http::route> handlers::start(const worker::context& from)
{
    desk_.emplace(from, chosen_);
    const auto answered = [this](parsed<question> asked, http::request& to) -> http::reply {
        if (asked.has_error()) return reply(asked.error());
        auto after = read_after(to);
        if (after.has_error()) return reply(after.error());
        return desk_->ask(*std::move(asked), *std::move(after), to);
    };
    return {{http::verb::get, "/v1/views", "list", [this](http::request& of) { return desk_->list(of); }},
            {http::verb::get, "/v1/views/{view}", "several",
             [answered](http::request& of) { return answered(read_several_question(of.parameters[0], of.query), of); }},
            {http::verb::get, "/v1/views/{view}/{key}", "entry",
             [answered](http::request& of) {
                 return answered(read_entry_question(of.parameters[0], of.parameters[1], of.query), of);
             }},
            {http::verb::get, "/v1/views/openapi.json", "openapi", [](http::request&) -> http::reply {
                 return http::response{200}.body("application/json", std::string{embedded::openapi_json});
             }}};
}

}  // namespace shoal::views
