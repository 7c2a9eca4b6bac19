#pragma once
// The limiter over HTTP: parameters in, a decision of the store, a verdict out.

#include <memory>
#include <optional>
#include <string>

#include "common/worker/service.hpp"
#include "services/limiter/rules.hpp"
#include "services/limiter/store.hpp"

namespace shoal::metrics {
class counter;
}

namespace shoal::limiter {

class handlers final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "limiter"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts& known) override;
    [[nodiscard]] nlohmann::json effective() const override;
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override;

private:
    /// One request's subject. It holds the rules, which a reload may replace while Redis is asked.
    struct subject {
        std::shared_ptr<const rules> in_force{};
        const rule* by = nullptr;
        std::string key{};
        std::int64_t cost = 1;
    };
    enum class verb : std::uint8_t { take, peek, forget };

    [[nodiscard]] http::reply on_key(verb what, http::request& request);
    [[nodiscard]] http::reply list_rules() const;
    [[nodiscard]] boost::asio::awaitable<http::response> decide(subject of, bool peek, http::request& request);
    [[nodiscard]] boost::asio::awaitable<http::response> forget(subject of, http::request& request);

    struct counters {
        metrics::counter* allowed = nullptr;
        metrics::counter* refused = nullptr;
        metrics::counter* allowed_without_redis = nullptr;
        metrics::counter* refused_without_redis = nullptr;
    };

    std::shared_ptr<const rules> rules_ = std::make_shared<rules>();
    std::optional<store> store_;
    counters count_;
};

}  // namespace shoal::limiter
