#pragma once
// Workers' stores of windows, each with a clock and a connection of its own to one real Redis.

#include "services/limiter/store_windows.hpp"
#include "tests/integration/limiter/connections.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::test {

struct window_stores {
    explicit window_stores(std::size_t workers, std::chrono::milliseconds timeout = std::chrono::seconds{5})
        : to{server, workers, timeout}
    {
        for (std::size_t i = 0; i < workers; ++i) all.push_back(std::make_unique<worker>(to.at(i), timeout));
    }

    result<limiter::outcome> take(const limiter::rule& by, std::string_view key, std::int64_t cost, std::size_t at = 0,
                                  std::string_view idempotency_key = {})
    {
        return to.get(all[at]->windows.take(by, key, cost, boot_time::max(), idempotency_key, in));
    }
    limiter::outcome peek(const limiter::rule& by, std::string_view key, std::int64_t cost = 1)
    {
        return to.get(all[0]->windows.peek(by, key, cost, boot_time::max())).value();
    }
    limiter::refunded refund(const limiter::rule& by, std::string_view key, std::int64_t cost)
    {
        return to.get(all[0]->windows.refund(by, key, cost, boot_time::max())).value();
    }
    void undo(const limiter::rule& by, std::string_view key, std::int64_t cost, limiter::window taken_in)
    {
        REQUIRE(to.get(all[0]->windows.undo(by, key, cost, taken_in)).has_value());
    }
    std::int64_t now()
    {
        const auto time = to.command({"TIME"});
        return std::stoll(*(*time.array())[0].text()) * 1'000'000 + std::stoll(*(*time.array())[1].text());
    }

    struct worker {
        worker(redis::client& state, std::chrono::milliseconds timeout) : clock{timeout}, windows{state, clock} {}

        limiter::server_clock clock;
        limiter::window_store windows;
    };

    redis_server server;
    connections to;
    std::vector<std::unique_ptr<worker>> all;
    limiter::window in;
};

}  // namespace shoal::test
