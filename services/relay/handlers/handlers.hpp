#pragma once
// The relay as the frame sees it: it serves nobody but operators.

#include <memory>
#include <optional>

#include "common/worker/service.hpp"
#include "services/relay/handlers/feed.hpp"
#include "services/relay/handlers/wal_watch.hpp"

namespace shoal::relay {

class handlers final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "relay"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts& known) override;
    [[nodiscard]] nlohmann::json effective() const override { return to_json(*chosen_); }
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override;
    [[nodiscard]] std::vector<http::route> admin_routes() override;
    [[nodiscard]] boost::asio::awaitable<void> drain() override;
    void end() noexcept override
    {
        watch_.reset();
        feed_.reset();
    }

    /// What was put in force last.
    [[nodiscard]] const settings& chosen() const noexcept { return *chosen_; }

private:
    [[nodiscard]] nlohmann::json status() const;
    [[nodiscard]] nlohmann::json audits() const;
    [[nodiscard]] nlohmann::json views() const;
    [[nodiscard]] http::response rebuild(std::string_view view);

    std::shared_ptr<const settings> chosen_;
    std::optional<feed> feed_;
    std::optional<wal_watch> watch_;
};

}  // namespace shoal::relay
