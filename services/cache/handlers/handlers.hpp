#pragma once
// The cache over HTTP: sites on a front of their own, purges on the fleet's, what operators look at on the worker's
// private socket.

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/worker/service.hpp"
#include "services/cache/handlers/auditor.hpp"
#include "services/cache/handlers/engine.hpp"
#include "services/cache/handlers/gate.hpp"
#include "services/cache/handlers/inspect.hpp"
#include "services/cache/handlers/purges.hpp"

namespace shoal::cache {

class handlers final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "cache"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts& known) override;
    [[nodiscard]] nlohmann::json effective() const override;
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override;
    [[nodiscard]] http::stream_handler site_handler() override;
    [[nodiscard]] std::vector<http::route> admin_routes() override;
    [[nodiscard]] boost::asio::awaitable<void> warm(worker::succession from) override;
    [[nodiscard]] boost::asio::awaitable<void> drain() override;
    void end() noexcept override;

private:
    void apply(std::shared_ptr<const settings> chosen);

    std::shared_ptr<const settings> chosen_;
    std::optional<engine> engine_;
    std::optional<purges> purges_;
    std::optional<gate> gate_;
    std::optional<inspection> inspection_;
    std::optional<auditor> auditor_;
};

}  // namespace shoal::cache
