#pragma once
// Compares what this worker keeps with what the origin answers, one response after the other, for sites that want it:
// finds what no purge has named. Never in the way of a request; what it finds is counted, logged and purged.

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/error.hpp"
#include "common/http/router.hpp"
#include "services/cache/audit/likeness.hpp"
#include "services/cache/handlers/engine.hpp"

namespace shoal::metrics {
class counter;
class gauge;
}  // namespace shoal::metrics

namespace shoal::cache {

class auditor {
public:
    explicit auditor(engine& of);

    /// Until stop().
    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop();

    [[nodiscard]] http::route route();

private:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// Differed when it was looked at: a change may be on its way to be purged.
    struct suspect {
        stored_ptr what;
        live_site_ptr at;
        likeness first;
        boot_time due;
    };
    /// Since the process began.
    struct counts {
        std::uint64_t samples = 0;
        std::uint64_t inconsistent = 0;
        std::uint64_t changing = 0;
        std::uint64_t failed = 0;
    };

    [[nodiscard]] bool wanted() const noexcept;
    [[nodiscard]] task<void> sweep();
    [[nodiscard]] task<void> sample(stored_ptr what, live_site_ptr at);
    [[nodiscard]] task<void> look_again(boot_time until);
    [[nodiscard]] task<void> look_again(suspect of);
    [[nodiscard]] task<std::optional<likeness>> ask_origin(stored_ptr what, live_site_ptr at);
    [[nodiscard]] task<void> report(const suspect& of);
    [[nodiscard]] bool servable(const stored& what, const live_site& at) const;
    [[nodiscard]] bool kept(const stored& what) const;
    [[nodiscard]] task<void> pause(std::chrono::nanoseconds time);
    void count(const char* result, const live_site& at, std::uint64_t counts::*total);
    [[nodiscard]] http::response shown() const;

    engine& engine_;
    metrics::gauge& sweep_seconds_;
    boost::asio::steady_timer pause_;
    bool stopping_ = false;
    std::deque<suspect> suspects_;
    counts total_;
    /// Of the last whole sweep, and how many it looked at.
    std::optional<std::chrono::duration<double>> swept_in_;
    std::uint64_t swept_ = 0;
    std::string last_url_;
    wall_clock::time_point last_at_;
};

}  // namespace shoal::cache
