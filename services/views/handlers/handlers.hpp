#pragma once
// Views over HTTP.

#include <optional>
#include <string_view>
#include <vector>

#include "common/worker/service.hpp"
#include "services/views/handlers/desk.hpp"
#include "services/views/handlers/settings.hpp"

namespace shoal::views {

class handlers final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "views"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts& known) override;
    [[nodiscard]] nlohmann::json effective() const override { return to_json(chosen_); }
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override;
    [[nodiscard]] boost::asio::awaitable<void> drain() override { return desk_->drain(); }
    void end() noexcept override { desk_.reset(); }

private:
    settings chosen_;
    std::optional<desk> desk_;
};

}  // namespace shoal::views
