#pragma once
// The relay as the frame sees it.

#include "common/worker/service.hpp"

namespace shoal::relay {

class handlers final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "relay"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts& known) override;
    [[nodiscard]] nlohmann::json effective() const override;
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override;
};

}  // namespace shoal::relay
