#pragma once
// A service that lets a test act inside of a worker, and a whole worker that runs it with the real Redis.

#include "common/core/clock.hpp"
#include "common/worker/service.hpp"

#include "tests/support/redis_server.hpp"
#include "tests/support/temp_folder.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::test {

/// Lets a test act once the worker serves, and when it drains.
class acting final : public worker::service {
public:
    using action = std::function<boost::asio::awaitable<void>(acting&)>;

    [[nodiscard]] std::string_view name() const noexcept override { return "acting"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts&) override;
    [[nodiscard]] nlohmann::json effective() const override { return nlohmann::json::object(); }
    [[nodiscard]] std::vector<http::route> start(const worker::context& from) override;
    [[nodiscard]] http::stream_handler site_handler() override { return on_site; }
    [[nodiscard]] std::vector<http::route> admin_routes() override { return std::move(private_routes); }
    [[nodiscard]] boost::asio::awaitable<void> warm(worker::succession from) override;
    [[nodiscard]] boost::asio::awaitable<void> drain() override;

    [[nodiscard]] boost::asio::awaitable<void> pause(std::chrono::milliseconds time) const;

    std::string place;
    action once_serving;
    std::function<boost::asio::awaitable<void>(acting&, worker::succession)> on_warm;
    action on_drain;
    http::stream_handler on_site;
    std::vector<http::route> private_routes;
    std::unique_ptr<worker::context> context;
    int drains = 0;
    boot_time told_to_end;

private:
    boost::asio::awaitable<void> act();
};

/// One worker, `acting-1`, which ends when its service has acted.
class acting_worker {
public:
    acting_worker();

    /// Returns the exit code; `took` is then the time from being told to end.
    int run(std::vector<std::string> more = {});

    temp_folder folder;
    redis_server redis;
    acting service;
    std::chrono::nanoseconds took{};
};

/// Everything that is answered to a GET on a connection of its own until the worker closes it; `more` are header lines.
[[nodiscard]] boost::asio::awaitable<std::string> get(acting& from, std::string path, std::string target,
                                                      std::string more = "Connection: close\r\n");

/// Whether somebody still listens there.
[[nodiscard]] boost::asio::awaitable<bool> accepts(acting& from, std::string path);

}  // namespace shoal::test
